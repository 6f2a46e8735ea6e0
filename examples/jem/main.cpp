// SPDX-License-Identifier: Apache-2.0
// Smoke: --out runs/jem --sets mnist --networks mlp --methods plain,jem,stable --seeds 1 --steps 4 --images 64 --attacked 16 --attack_steps 2 --restarts 1 --tries 2 --samples 20 --chain_steps 2
//
// Joint energy-based models beside the same networks trained as classifiers alone: accuracy, calibration,
// other images, attacks, samples. A cell is a data set, a network, a method and a seed, and leaves one line
// in OUT/cells.jsonl and its run in a folder of its own. Cells whose lines are there are left out, and a
// cell that was interrupted goes on: start the program again until it has nothing to do. 'table' makes the
// tables and figures of what is there. With --study the cells are those of settings that diverge.

#include <basin/data/cifar.hpp>
#include <basin/data/idx.hpp>
#include <basin/run/arrays.hpp>
#include <basin/run/command_line.hpp>
#include <basin/run/describe.hpp>
#include <basin/run/process.hpp>
#include <basin/run/stop_signals.hpp>

#include "evaluation.hpp"
#include "model.hpp"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <stdexcept>

namespace {

struct Cell {
  std::string set, network, method;
  std::uint64_t seed;

  std::string name() const {
    return set + "_" + network + "_" + method + "_" + std::to_string(seed);
  }
};

// Lists have commas. A folder of data that is 'none' is replaced by images that are made up.
struct Program {
  std::string mnist = "none", fashion = "none", kmnist = "none", cifar = "none";
  std::string sets = "mnist,fashion,mnist_100_labels,cifar", networks = "mlp,cnn,wide_resnet",
              methods = "plain,jem,stable", seeds = "1,2,3", out = "out/jem", study;
  int steps = 0, sampling_steps = 0;
  bool held_out = false;
  Settings jem{.p_x = 0.1, .energy_l2 = 1e-3};
  Settings stable{.p_x          = 0.1,
                  .energy_l2    = 1e-3,
                  .from_trained = true,
                  .growing      = true,
                  .of_classes   = true,
                  .clip         = 1,
                  .sharpness    = 0.5,
                  .rolls_back   = true};
  Effort effort;

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    using basin::Field, basin::range::at_least;
    f(Field{"mnist", "1", "folder with the four files of MNIST"}, self.mnist);
    f(Field{"fashion", "1", "folder with the four files of Fashion-MNIST"}, self.fashion);
    f(Field{"kmnist", "1", "folder with the test images of KMNIST"}, self.kmnist);
    f(Field{"cifar", "1", "folder with *.bin files of CIFAR-10, data_batch* and test_batch*"},
      self.cifar);
    f(Field{"sets", "1", "list of mnist, fashion, mnist_100_labels, cifar"}, self.sets);
    f(Field{"networks", "1", "list of mlp, cnn, wide_resnet"}, self.networks);
    f(Field{"methods", "1", "list of plain, jem, stable"}, self.methods);
    f(Field{"seeds", "1", "list"}, self.seeds);
    f(Field{"out", "1", "folder of the results"}, self.out);
    f(Field{"study", "1",
            "list of none, all, from_trained, growing, of_classes, clip, sharpness, "
            "rolls_back: stabilizers of settings that diverge"},
      self.study);
    f(Field{"steps", "steps", "of training; 0: those of the network"}, self.steps, at_least(0));
    f(Field{"sampling_steps", "steps", "K; 0: those of the network"}, self.sampling_steps,
      at_least(0));
    f(Field{"held_out", "1", "scores rows held out of the training set alone, for choices"},
      self.held_out);
    f.nested("jem", self.jem);
    f.nested("stable", self.stable);
    Effort::fields(self.effort, f);
  }
};

std::vector<std::string> list(std::string const& text) {
  std::vector<std::string> all;
  std::istringstream in(text);
  for (std::string one; std::getline(in, one, ',');) all.push_back(one);
  return all;
}
bool holds(std::string const& text, std::string const& name) {
  auto const all = list(text);
  return std::find(all.begin(), all.end(), name) != all.end();
}

// Each name of a list must be one of 'known'.
void check_list(char const* what, std::string const& text, std::string const& known) {
  for (std::string const& name : list(text))
    if (!holds(known, name))
      throw std::invalid_argument(std::string("jem: there is no '") + name + "' in " + what +
                                  "; there are " + known);
}
void check(Program const& o) {
  check_list("sets", o.sets, "mnist,fashion,mnist_100_labels,cifar");
  check_list("networks", o.networks, "mlp,cnn,wide_resnet");
  for (std::string const& name : list(o.networks))
    if (networks().count(name) == 0)
      throw std::invalid_argument(
          "jem: '" + name + "' is not compiled in; add it to the CMake variable JEM_NETWORKS");
  check_list("methods", o.methods, "plain,jem,stable");
  check_list("seeds", o.seeds, "1,2,3");
  check_list("study", o.study,
             "none,all,from_trained,growing,of_classes,clip,sharpness,rolls_back");
}

// The most telling first.
std::vector<Cell> cells(Program const& o) {
  std::vector<Cell> all;
  auto const add = [&](std::string const& set, std::string const& network, std::uint64_t seed) {
    for (char const* const method : {"plain", "jem", "stable"})
      if (holds(o.sets, set) && holds(o.networks, network) && holds(o.methods, method) &&
          holds(o.seeds, std::to_string(seed)))
        all.push_back({set, network, method, seed});
  };
  for (char const* const set : {"mnist", "fashion", "mnist_100_labels"}) add(set, "mlp", 1);
  for (char const* const set : {"mnist", "fashion"}) add(set, "cnn", 1);
  for (std::uint64_t const seed : {2, 3})
    for (char const* const set : {"mnist", "fashion"}) add(set, "mlp", seed);
  add("cifar", "wide_resnet", 1);
  return all;
}

struct Rows {
  Images images;
  Labels labels;
};

// A stroke for each class, in noise.
Rows made_up(int count, Form const& form, std::uint64_t seed) {
  Rows rows{Images("images", count, form.size()), basin::data::make_labels(count)};
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal(0, 0.5);
  for (int n = 0; n < count; ++n) {
    rows.labels(n) = n % 10;
    for (int d = 0; d < form.size(); ++d) {
      bool const stroke = d / form.channels % form.side / 2 == n % 10;
      rows.images(n, d) = std::clamp((stroke ? 0.5f : -0.5f) + normal(random), -1.0f, 1.0f);
    }
  }
  return rows;
}

Rows read_digits(std::string const& folder, char const* part) {
  if (folder == "none") return made_up(512, {}, part[1]);
  auto const file = [&](char const* what) {
    return basin::data::find_idx(folder, std::string(part) + "-" + what);
  };
  return {basin::data::read_idx_images(file("images")).samples,
          basin::data::read_idx_labels(file("labels"))};
}

Rows read_cifar(std::string const& folder, std::string const& prefix) {
  if (folder == "none") return made_up(512, {32, 3}, static_cast<std::uint64_t>(prefix[0]));
  std::vector<std::filesystem::path> files;
  for (auto const& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().filename().string().starts_with(prefix)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  auto const all = basin::data::read_cifar10(files);
  return {all.images.samples, all.labels};
}

Rows part(Rows const& rows, std::size_t first, std::size_t count) {
  std::pair const range(first, first + count);
  return {Kokkos::subview(rows.images, range, Kokkos::ALL), Kokkos::subview(rows.labels, range)};
}

// Digits in the middle of an image of another form, gray.
Images in_form(Images const& x, Form const& form) {
  if (form.size() == 784) return x;
  Images const y("images", x.extent(0), form.size());
  Kokkos::deep_copy(y, -1.0f);
  int const border = (form.side - 28) / 2;
  for (std::size_t n = 0; n < x.extent(0); ++n)
    for (int i = 0; i < 28; ++i)
      for (int j = 0; j < 28; ++j)
        for (int c = 0; c < form.channels; ++c)
          y(n, ((i + border) * form.side + j + border) * form.channels + c) = x(n, 28 * i + j);
  return y;
}

Images noise_like(Images const& x, std::uint64_t seed) {
  Images const y = like(x);
  for (std::size_t n = 0; n < x.extent(0); ++n)
    for (std::size_t d = 0; d < x.extent(1); ++d)
      y(n, d) = 2 * basin::unit_uniform<float>(
                        basin::random_word({seed, basin::Purpose::sampler_start}, d, n)) -
                1;
  return y;
}

// The labels of ten rows of each class, drawn by the seed; -1 elsewhere.
Labels hundred_labels(Labels const& labels, std::uint64_t seed) {
  std::vector<std::size_t> order(labels.extent(0));
  for (std::size_t n = 0; n < order.size(); ++n) order[n] = n;
  std::shuffle(order.begin(), order.end(), std::mt19937_64(seed));
  Labels const some = basin::data::make_labels(labels.extent(0));
  Kokkos::deep_copy(some, -1);
  std::map<int, int> count;
  for (std::size_t const n : order)
    if (count[labels(n)]++ < 10) some(n) = labels(n);
  return some;
}

Set read_set(Program const& o, std::string const& name, std::uint64_t seed) {
  bool const cifar = name == "cifar", fashion = name == "fashion";
  std::string const folder = cifar ? o.cifar : fashion ? o.fashion : o.mnist;
  Rows const train       = cifar ? read_cifar(folder, "data_batch") : read_digits(folder, "train"),
             test        = cifar ? read_cifar(folder, "test_batch") : read_digits(folder, "t10k");
  std::size_t const rows = train.images.extent(0), held = std::min<std::size_t>(5000, rows / 8);
  Rows const first = part(train, 0, rows - held), last = part(train, rows - held, held);
  Set set{.name         = name,
          .source       = folder == "none" ? "made up" : folder,
          .form         = cifar ? Form{32, 3} : Form{},
          .train        = first.images,
          .held         = last.images,
          .test         = test.images,
          .train_labels = first.labels,
          .held_labels  = last.labels,
          .test_labels  = test.labels,
          .others       = {},
          .radii        = cifar ? std::vector<double>{2 / 255., 4 / 255., 8 / 255.}
                                : std::vector<double>{0.05, 0.1, 0.2}};
  if (name == "mnist_100_labels") set.train_labels = hundred_labels(first.labels, seed);
  auto const other = [&](std::string const& from) {
    if (from == "none") return in_form(noise_like(made_up(512, {}, 1).images, 7), set.form);
    return in_form(basin::data::read_idx_images(basin::data::find_idx(from, "t10k-images")).samples,
                   set.form);
  };
  set.others.emplace_back("KMNIST", other(o.kmnist));
  set.others.emplace_back(fashion ? "MNIST" : "Fashion-MNIST",
                          other(fashion ? o.mnist : o.fashion));
  set.others.emplace_back("uniform noise", noise_like(set.test, 1));
  set.others.emplace_back("shifted by 4", shifted(set.test, 4, 1, set.form));
  set.others.emplace_back("blurred by 1", blurred(set.test, 1, set.form));
  return set;
}

// The rows with a label.
Rows labeled(Set const& set) {
  std::size_t count = 0;
  for (std::size_t n = 0; n < set.train_labels.extent(0); ++n) count += set.train_labels(n) >= 0;
  if (count == set.train.extent(0)) return {set.train, set.train_labels};
  Rows const rows{Images("images", count, set.train.extent(1)), basin::data::make_labels(count)};
  std::size_t to = 0;
  for (std::size_t n = 0; n < set.train_labels.extent(0); ++n)
    if (set.train_labels(n) >= 0) {
      for (std::size_t d = 0; d < set.train.extent(1); ++d) rows.images(to, d) = set.train(n, d);
      rows.labels(to++) = set.train_labels(n);
    }
  return rows;
}

class Bench {
 public:
  Bench(Program const& o, Json const& process) : o_(o), process_(process) {}

  // \return nothing where a signal came
  std::optional<Json> line(Cell const& cell, Settings const& settings) {
    Network const& network    = networks().at(cell.network);
    Set const set             = read_set(o_, cell.set, cell.seed);
    std::clock_t const before = std::clock();
    auto const trained        = train(cell.name(), cell, set, settings);
    if (!trained) return {};
    double const seconds = double(std::clock() - before) / CLOCKS_PER_SEC;
    Model const model    = network.model(trained->parameters);
    Budget const budget  = budget_of(network, set, settings);
    Json result{{"set", cell.set},
                {"network", cell.network},
                {"method", cell.method},
                {"seed", cell.seed},
                {"data", set.source == "made up" ? "made up" : cell.set},
                {"rows", {set.train.extent(0), set.held.extent(0), set.test.extent(0)}},
                {"parameters", network.parameters},
                {"settings", basin::run::options_json(settings)},
                {"steps", budget.steps},
                {"batch", budget.batch},
                {"sampling_steps", settings.p_x > 0 ? budget.sampling_steps : 0},
                {"steps_taken", trained->steps},
                {"diverged", trained->diverged},
                {"rollbacks", trained->rollbacks},
                {"processor_seconds_of_training", std::round(seconds)}};
    auto const held    = model.logits(set.held);
    result["held_out"] = classification(held, set.held_labels);
    if (o_.held_out || !o_.study.empty()) return result;

    auto const logits   = model.logits(set.test);
    auto const p        = metric::softmax(logits);
    auto const diagram  = metric::reliability_diagram(p, set.test_labels);
    result["test"]      = classification(logits, set.test_labels);
    result["by_chance"] = error_by_chance(p, cell.seed);
    try {
      double const temperature        = metric::calibration_temperature(held, set.held_labels);
      result["scaled"]                = classification(logits, set.test_labels, temperature);
      result["scaled"]["temperature"] = rounded(temperature);
      result["scaled"]["by_chance"] =
          error_by_chance(metric::softmax(logits, temperature), cell.seed);
    } catch (std::invalid_argument const& none) {
      result["scaled"] = none.what();
    }
    result["reliability"] = {
        {"confidence", Json::array()}, {"accuracy", Json::array()}, {"count", diagram.count}};
    for (std::size_t b = 0; b < diagram.count.size(); ++b) {
      result["reliability"]["confidence"].push_back(rounded(diagram.confidence[b]));
      result["reliability"]["accuracy"].push_back(rounded(diagram.accuracy[b]));
    }
    Effort effort = o_.effort;
    effort.attacked /= budget.share, effort.samples /= budget.share;
    result["auroc"]  = detection(model, set, effort);
    result["attack"] = attacks(model, set, effort);

    // As many samples of each class, from fresh starts.
    int const count      = std::min<int>(effort.samples, static_cast<int>(set.test.extent(0)));
    Rows const known     = labeled(set);
    Images const starts  = settings.of_classes
                               ? draws_of_classes(known.images, known.labels, count, cell.seed)
                               : noise_like(first_rows(set.test, count), 100 + cell.seed);
    Images const samples = model.sample(starts, {}, settings, o_.effort.chain_steps, cell.seed);
    if (auto const features = features_of(set)) {
      result["frechet"] =
          distances(networks().at(of_features(set)).model(*features), samples, starts, set);
      result["frechet"]["chain_steps"] = o_.effort.chain_steps;
    } else {
      return {};
    }
    leave(cell, set, settings, model, diagram, starts);
    result["curve"] = curve(cell.name());
    return result;
  }

 private:
  static std::string of_features(Set const& set) {
    return set.form.channels == 3 ? "wide_resnet" : "mlp";
  }
  Budget budget_of(Network const& network, Set const& set, Settings const& settings) const {
    Budget budget = network.budget;
    if (o_.steps > 0) budget.steps = o_.steps;
    if (o_.sampling_steps > 0) budget.sampling_steps = o_.sampling_steps;
    if (set.name == "mnist_100_labels") {
      if (settings.p_x > 0)
        budget.labeled = 50;
      else
        budget.batch = 50;
    }
    return budget;
  }
  std::optional<Trained> train(std::string const& folder, Cell const& cell, Set const& set,
                               Settings const& settings) {
    Network const& network = networks().at(cell.network);
    Rows const known       = settings.p_x > 0 ? Rows{set.train, set.train_labels} : labeled(set);
    Task task{.images   = known.images,
              .labels   = known.labels,
              .settings = settings,
              .budget   = budget_of(network, set, settings),
              .seed     = cell.seed,
              .folder   = o_.out + "/" + folder,
              .process  = process_,
              .start    = {}};
    if (settings.from_trained) {
      Cell plain       = cell;
      plain.method     = "plain";
      auto const first = train(plain.name(), plain, set, plain_settings());
      if (!first) return {};
      task.start = first->parameters;
    }
    return network.train(task);
  }
  // A classifier alone of the set with all labels, of a seed that no cell has.
  std::optional<Parameters> features_of(Set const& set) {
    std::string const name = set.name == "mnist_100_labels" ? "mnist" : set.name;
    Cell const cell{name, of_features(set), "features", 100};
    auto const trained = train(cell.name(), cell, read_set(o_, name, 100), plain_settings());
    if (!trained) return {};
    return trained->parameters;
  }
  static Settings plain_settings() { return {.p_x = 0}; }

  // For tools/plot: samples of each class, a row for each, and the reliability diagram.
  void leave(Cell const& cell, Set const& set, Settings const& settings, Model const& model,
             metric::ReliabilityDiagram const& diagram, Images const& starts) const {
    Labels const classes = basin::data::make_labels(100);
    for (int n = 0; n < 100; ++n) classes(n) = n % 10;
    Images const begin("starts", 100, starts.extent(1));
    for (std::size_t n = 0; n < 100; ++n)
      for (std::size_t d = 0; d < starts.extent(1); ++d)
        begin(n, d) = starts(n % starts.extent(0), d);
    Images const samples =
        model.sample(begin, classes, settings, o_.effort.chain_steps, 1000 + cell.seed);
    Images const sorted = like(samples);  // a row of the grid is a class
    for (std::size_t n = 0; n < 100; ++n)
      for (std::size_t d = 0; d < samples.extent(1); ++d)
        sorted(n % 10 * 10 + n / 10, d) = samples(n, d);
    Kokkos::View<double**, Kokkos::LayoutRight, Kokkos::HostSpace> const bins(
        "bins", 3, diagram.confidence.size());
    for (std::size_t b = 0; b < diagram.confidence.size(); ++b) {
      bins(0, b) = diagram.confidence[b];
      bins(1, b) = diagram.accuracy[b];
      bins(2, b) = double(diagram.count[b]);
    }
    basin::run::Arrays arrays;
    arrays.images("samples", sorted, set.form.side, set.form.side)
        .add("reliability/" + cell.method, bins)
        .write(o_.out + "/" + cell.name());
  }
  // The reports of a run.
  Json curve(std::string const& folder) const {
    Json all;
    std::ifstream in(o_.out + "/" + folder + "/metrics.jsonl");
    for (std::string text; std::getline(in, text);) {
      Json const report = Json::parse(text);
      for (char const* const name :
           {"step", "energy_data", "energy_samples", "cross_entropy", "loss", "displacement"})
        if (report.contains(name))
          all[name].push_back(report[name].is_number_float()
                                  ? Json(rounded(report[name].get<double>()))
                                  : report[name]);
    }
    return all;
  }

  Program o_;
  Json process_;
};

Settings settings_of(Program const& o, std::string const& method) {
  return method == "plain" ? Settings{.p_x = 0} : method == "jem" ? o.jem : o.stable;
}

// Settings that diverge, with one of the stabilizers of 'stable', or all.
Settings with(Program const& o, std::string const& name) {
  Settings s      = o.jem;
  bool const all  = name == "all";
  auto const take = [&](char const* field, auto Settings::* member) {
    if (all || name == field) s.*member = o.stable.*member;
  };
  take("from_trained", &Settings::from_trained);
  take("growing", &Settings::growing);
  take("of_classes", &Settings::of_classes);
  take("clip", &Settings::clip);
  take("sharpness", &Settings::sharpness);
  take("rolls_back", &Settings::rolls_back);
  return s;
}

// The rank that has the cells of a data set: those of one share classifiers.
int rank_of(Cell const& cell, Program const& o, int ranks) {
  auto const sets = list(o.sets);
  auto const of   = cell.set == "mnist_100_labels" ? "mnist" : cell.set;
  return static_cast<int>(std::find(sets.begin(), sets.end(), of) - sets.begin()) % ranks;
}

int run(Program const& o, Json const& described, basin::run::Process const& process) {
  check(o);
  std::filesystem::create_directories(o.out);
  std::string const file = o.out + "/cells.jsonl";
  std::set<std::string> done;
  std::ifstream in(file);
  for (std::string text; std::getline(in, text);) {
    Json const line = Json::parse(text, nullptr, false);
    if (line.is_object())
      done.insert(Cell{line["set"], line["network"], line["method"], line["seed"]}.name());
  }
  std::vector<std::pair<Cell, Settings>> todo;
  for (Cell const& cell : cells(o)) {
    if (o.study.empty())
      todo.emplace_back(cell, settings_of(o, cell.method));
    else if (cell.method == "jem")
      for (std::string const& name : list(o.study))
        todo.emplace_back(Cell{cell.set, cell.network, name, cell.seed}, with(o, name));
  }
  std::erase_if(todo, [&](auto const& entry) { return done.contains(entry.first.name()); });
  std::vector<std::deque<std::pair<Cell, Settings>>> of_rank(std::size_t(process.rank_count()));
  for (auto const& entry : todo)
    of_rank[std::size_t(rank_of(entry.first, o, process.rank_count()))].push_back(entry);
  std::size_t rounds = 0;
  for (auto const& of : of_rank) rounds = std::max(rounds, of.size());
  auto const& mine = of_rank[std::size_t(process.rank())];
  Bench bench(o, described);
  for (std::size_t i = 0; i < rounds; ++i) {
    std::optional<Json> line{Json()};
    if (i < mine.size()) line = bench.line(mine[i].first, mine[i].second);
    std::string const found = line && !line->is_null() ? line->dump() : "";
    for (std::string const& text : basin::train::all_gather(process.ranks(), found)) {
      if (text.empty() || !process.is_first()) continue;
      std::ofstream(file, std::ios::app) << text << std::endl;
      Json const of = Json::parse(text);
      std::printf("%s: accuracy %.4f of rows held out%s\n",
                  Cell{of["set"], of["network"], of["method"], of["seed"]}.name().c_str(),
                  of["held_out"]["accuracy"].get<double>(),
                  of["diverged"] == "" ? "" : ", diverged");
      std::fflush(stdout);
    }
    if (basin::train::any(process.ranks(), !line))
      return basin::run::exit_status(basin::run::Ending::signaled);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Program program;
  basin::run::CommandLine line(
      "Trains classifiers of ten classes alone and as joint energy-based models, and compares "
      "them.");
  line.add(program);
  if (!line.parse(argc, argv)) return line.status();
  basin::run::Process const process;
  try {
    return run(program, basin::run::describe_process(argc, argv, program), process);
  } catch (std::exception const& e) {
    return process.failed(e);
  }
}
