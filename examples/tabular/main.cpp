// SPDX-License-Identifier: Apache-2.0
// Smoke: --sets two_moons --out runs/tabular --resume --steps 20 --seeds 1 --bracket --chains 16 --rungs 5
//
// Tables. Sets with labels (.npz): an anomaly is a row of high energy, by default that of several
// experts (experts.hpp), on request of a ladder of noise (ladder.hpp) or of one energy with one of
// four objectives; the score is the AUROC of -E. Sets without (.csv, and points in the plane): the
// score is the mean log-likelihood of held-out rows, in nats, with --bracket between two bounds. One
// half of the (normal) rows trains, the rest tests. Leaves a JSON line of each set and seed, with which
// --resume goes on: a set and seed take seconds to minutes.

#include <basin/data/csv.hpp>
#include <basin/data/preprocessing.hpp>
#include <basin/data/synthetic.hpp>
#include <basin/io/npy.hpp>
#include <basin/io/npz.hpp>
#include <basin/metric/auroc.hpp>
#include <basin/objective/noise.hpp>
#include <basin/run/command_line.hpp>
#include <basin/run/describe.hpp>
#include <basin/run/folder.hpp>
#include <basin/run/options.hpp>
#include <basin/run/process.hpp>
#include <basin/run/stop_signals.hpp>

#include "../log_partition.hpp"
#include "experts.hpp"
#include "ladder.hpp"
#include "model.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <numeric>
#include <optional>
#include <random>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace data = basin::data;

namespace {

using Json = nlohmann::ordered_json;
using Law  = basin::objective::noise::Gaussian::bind<float, Kokkos::DefaultHostExecutionSpace>;

std::map<std::string, Method> const methods{
    {"PCD", Method::pcd}, {"DSM", Method::dsm}, {"SSM", Method::ssm}, {"NCE", Method::nce}};
char constexpr with_own_log_z[] = "NCE, its log Z";
char constexpr of_ladder[]      = "ladder";
char constexpr of_experts[]     = "experts";

struct Table {
  std::string name;
  data::Table rows;                            // as the file states them
  std::vector<std::size_t> normal, anomalies;  // numbers of rows

  bool labeled() const { return !anomalies.empty(); }
};

struct Parts {
  std::vector<std::size_t> train_rows;
  Rows train, test, anomalies;
};

std::vector<std::size_t> all_rows(data::Table const& rows) {
  std::vector<std::size_t> numbers(rows.extent(0));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

Table plane_set(std::string const& name) {
  std::map<std::string, Rows (*)(int, std::uint64_t)> const sets{
      {"eight_gaussians", [](int n, std::uint64_t seed) { return data::eight_gaussians(n, seed); }},
      {"two_moons", [](int n, std::uint64_t seed) { return data::two_moons(n, seed); }},
      {"checkerboard", [](int n, std::uint64_t seed) { return data::checkerboard(n, seed); }},
      {"pinwheel", [](int n, std::uint64_t seed) { return data::pinwheel(n, seed); }},
      {"rings", [](int n, std::uint64_t seed) { return data::rings(n, seed); }},
      {"swiss_roll", [](int n, std::uint64_t seed) { return data::swiss_roll(n, seed); }}};
  auto const set = sets.find(name);
  if (set == sets.end())
    throw std::runtime_error("tabular: there is no set '" + name +
                             "'; there are eight_gaussians, two_moons, checkerboard, pinwheel, "
                             "rings and swiss_roll");
  Rows const points = set->second(10000, 1);
  auto const rows   = data::make_table(points.extent(0), points.extent(1));
  Kokkos::deep_copy(rows, points);
  return {name, rows, all_rows(rows), {}};
}

// .npz as ADBench's: X, and y with 1 for an anomaly. .csv as scikit-learn's: the last column is the
// class, which is left out; a line of header, but none where it is packed (.csv.gz).
Table read_set(std::filesystem::path const& file) {
  if (file.extension() == ".npz") {
    Table table{file.stem(), basin::io::read_npz<double, 2>(file, "X"), {}, {}};
    auto const y = basin::io::read_npz<int, 1>(file, "y");
    if (y.extent(0) != table.rows.extent(0))
      throw std::runtime_error("tabular: '" + file.string() + "' has " +
                               std::to_string(table.rows.extent(0)) + " rows and " +
                               std::to_string(y.extent(0)) + " labels");
    for (std::size_t i = 0; i < y.extent(0); ++i)
      (y(i) == 1 ? table.anomalies : table.normal).push_back(i);
    return table;
  }
  auto const cells = data::read_csv(file, {.header = file.extension() == ".gz" ? 0 : 1});
  auto const rows  = data::drop_columns(cells, {static_cast<int>(cells.extent(1)) - 1});
  auto const name  = file.filename().string();
  return {name.substr(0, name.find('.')), rows, all_rows(rows), {}};
}

std::vector<std::filesystem::path> files_of(std::filesystem::path const& path) {
  if (!std::filesystem::is_directory(path)) return {path};
  std::vector<std::filesystem::path> files;
  for (auto const& entry : std::filesystem::directory_iterator(path))
    if (auto const end = entry.path().extension(); end == ".npz" || end == ".csv" || end == ".gz")
      files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

// Standardized by the training half, in double; a column that is constant there is centered alone.
Parts divide(Table const& table, std::uint64_t seed) {
  auto const pick = [&](std::vector<std::size_t> const& places) {
    std::vector<std::size_t> rows;
    for (std::size_t const place : places) rows.push_back(table.normal[place]);
    return rows;
  };
  data::RowSplit const split = data::split_rows(table.normal.size(), 0.5, seed);
  auto const train_rows      = pick(split.train);
  auto moments               = data::column_moments(data::select_rows(table.rows, train_rows));
  for (double& deviation : moments.standard_deviation)
    if (deviation == 0) deviation = 1;
  auto const standardized = [&](std::vector<std::size_t> const& rows) {
    auto const part = data::select_rows(table.rows, rows);
    data::standardize(part, moments);
    return data::rounded(part);
  };
  return {train_rows, standardized(train_rows), standardized(pick(split.test)),
          standardized(table.anomalies)};
}

Rows with_noise(Rows const& rows, double standard_deviation, std::uint64_t seed) {
  Rows const noisy = data::make_samples(rows.extent(0), rows.extent(1));
  std::mt19937_64 random(seed);
  std::normal_distribution<double> noise(0, standard_deviation);
  for (std::size_t i = 0; i < rows.size(); ++i)
    noisy.data()[i] = static_cast<float>(rows.data()[i] + noise(random));
  return noisy;
}

Law fitted_gaussian(Rows const& rows, double noise) {
  using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  Eigen::Map<Matrix const> const matrix(rows.data(), static_cast<Eigen::Index>(rows.extent(0)),
                                        static_cast<Eigen::Index>(rows.extent(1)));
  return Law({.ridge = noise * noise}, matrix.cast<double>());
}

// -log p of the law, as an energy.
Scores energies(Law const& law, Rows const& rows) {
  Scores e(rows.extent(0));
  for (std::size_t i = 0; i < e.size(); ++i) e[i] = -law.log_density(&rows(i, 0));
  return e;
}

double auroc(Scores test, Scores anomalies) {
  for (Scores* const scores : {&test, &anomalies})
    for (float& e : *scores) e = -e;
  return basin::metric::auroc(std::span<float const>(test), std::span<float const>(anomalies));
}

// Points of the law, for the integral of exp(-E) by importance sampling.
struct Proposals {
  Rows points;
  Scores minus_log_density;

  Proposals(Law const& law, std::uint64_t seed)
      : points(data::make_samples(100000, static_cast<std::size_t>(law.dimension))) {
    for (std::size_t i = 0; i < points.extent(0); ++i)
      law.sample({seed, basin::Purpose::contrast}, static_cast<std::uint32_t>(i), &points(i, 0));
    minus_log_density = energies(law, points);
  }

  // log of the integral; NaN where it rests on fewer than 100 effective points.
  double log_z(Scores const& e) const {
    double largest = -HUGE_VAL, sum = 0, squares = 0;
    for (std::size_t i = 0; i < e.size(); ++i)
      largest = std::max(largest, double(minus_log_density[i]) - double(e[i]));
    for (std::size_t i = 0; i < e.size(); ++i) {
      double const weight = std::exp(double(minus_log_density[i]) - double(e[i]) - largest);
      sum += weight;
      squares += weight * weight;
    }
    if (sum * sum / squares < 100) return std::nan("");
    return largest + std::log(sum / static_cast<double>(e.size()));
  }
};

template <class Number>
double mean(std::vector<Number> const& x) {
  return std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
}

// (energies, rows) of one set and seed: the training rows, the other normal ones, the anomalies.
void write_energies(std::filesystem::path const& folder, std::string const& set, std::uint64_t seed,
                    std::vector<Scores> const& energies) {
  if (folder.empty()) return;
  std::filesystem::create_directories(folder);
  Rows const table = data::make_samples(energies.size(), energies.front().size());
  for (std::size_t i = 0; i < energies.size(); ++i)
    std::copy(energies[i].begin(), energies[i].end(), &table(i, 0));
  basin::io::write_npy(folder / (set + "_" + std::to_string(seed) + ".npy"), table);
}

// Lists have commas.
struct Program {
  std::string data, sets, methods, energies, out = "out/tabular";
  std::string views = "robust,compressed,normal_scores";
  std::string experts =
      "neighbors:standard:5,neighbors:robust:5,neighbors:compressed:5,neighbors:normal_scores:5,"
      "kernel:standard:0.3,kernel:robust:0.775,kernel:compressed:1.3,local:robust:5,"
      "local:compressed:5,local:normal_scores:5,marginal:compressed:0.1,network:robust:0.775";
  Settings settings;
  ladder::Options ladder;
  experts::Options council;
  basin::sampler::LogPartition annealing;
  int seeds    = 5;
  bool bracket = false, resume = false;

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    using basin::Field, basin::range::above, basin::range::at_least;
    f(Field{"data", "1", "list of sets, or folders of sets: .npz, .csv, .csv.gz"}, self.data);
    f(Field{"sets", "1", "list of sets in the plane: two_moons, ..."}, self.sets);
    f(Field{"methods", "1",
            "list of experts, ladder, PCD, DSM, SSM, NCE; empty: experts where all sets have "
            "labels, "
            "else PCD,DSM,SSM,NCE"},
      self.methods);
    f(Field{"seeds", "1", "runs of each set, with seeds 1, 2, ..."}, self.seeds, at_least(1));
    f(Field{"steps", "steps", "of training"}, self.settings.steps, at_least(1));
    f(Field{"noise", "1", "standard deviation of the noise on standardized rows"},
      self.settings.noise, above(0));
    f(Field{"views", "1", "list, of the ladder"}, self.views);
    f(Field{"noise_first", "1", "largest noise of the ladder"}, self.ladder.noise.first);
    f(Field{"noise_last", "1", "smallest noise of the ladder"}, self.ladder.noise.last);
    f(Field{"levels", "1", "of the ladder"}, self.ladder.noise.levels);
    f(Field{"ladder_steps", "steps", "of training, times the root of the rows"}, self.ladder.steps,
      above(0));
    f(Field{"experts", "1", "list of KIND:VIEW:PARAMETER"}, self.experts);
    f(Field{"power", "1", "of the experts' scores that are averaged"}, self.council.power,
      above(0));
    f(Field{"network_steps", "steps", "of an expert's training, times the root of the rows"},
      self.council.steps, above(0));
    f(Field{"memory", "rows", "of training that an expert compares others with"},
      self.council.memory, at_least(1));
    f(Field{"energies", "1", "folder for the energies of the ladder or the experts, .npy"},
      self.energies);
    f(Field{"bracket", "1", "the log-likelihood between two bounds too, by annealing"},
      self.bracket);
    f(Field{"chains", "1", "of the bracket"}, self.annealing.chains, at_least(2));
    f(Field{"rungs", "1", "of the bracket"}, self.annealing.rungs, at_least(1));
    f(Field{"settling", "1", "moves from the training rows, of the bracket"},
      self.annealing.settling, at_least(0));
    f(Field{"out", "1", "folder of this run alone"}, self.out);
    f(Field{"resume", "1", "leave out the sets and seeds whose lines are in 'out'"}, self.resume);
  }
};

std::vector<std::string> list(std::string const& text) {
  std::vector<std::string> all;
  std::istringstream in(text);
  for (std::string one; std::getline(in, one, ',');) all.push_back(one);
  return all;
}

// The mean log-likelihood of rows with mean energy e, in nats, by annealing to the energy, which is above
// it in expectation, by annealing from it, which is below it, and in the plane by quadrature. Chains
// that start at the energy are draws of it in the plane, elsewhere training rows after so many moves.
Json bracketed(Model const& model, Rows const& train, double e,
               basin::sampler::LogPartition annealing, std::uint64_t seed) {
  auto const columns = static_cast<int>(train.extent(1));
  auto const found   = bracketers().find(columns);
  if (found == bracketers().end())
    throw std::runtime_error("tabular: --bracket was not compiled for " + std::to_string(columns) +
                             " columns; add it to the CMake variable TABULAR_BRACKET_COLUMNS");
  Json result;
  Rows start = train;
  if (columns == 2) {
    auto const plane     = integrate_plane(10, 500, annealing.chains, seed, model.energies);
    result["quadrature"] = -e - plane.log_z;
    start                = plane.draws;
    annealing.settling   = 0;
  }
  auto const log_z = found->second(model.parameters, start, annealing, 1000 * seed);
  auto const enter = [&](std::string const& name, basin::LogMeanExp const& of) {
    result[name]            = -e - of.value;
    result[name + " error"] = of.standard_error;
  };
  enter("most", log_z.below);
  enter("least", log_z.above);
  return result;
}

// The line of one set and seed: scores, seconds of training, and the rows that trained.
Json evaluate(Table const& table, Learner const& learner, std::vector<std::string> const& names,
              Settings const& settings, Program const& options) {
  Parts const parts = divide(table, settings.seed);
  Law const law     = fitted_gaussian(parts.train, settings.noise);
  Json scores, seconds, brackets;
  auto const fitted = [&](std::string const& name) {
    Model model   = learner.train(methods.at(name), parts.train, settings);
    seconds[name] = model.seconds;
    return model;
  };
  if (table.labeled()) {
    scores["Gaussian"] = auroc(energies(law, parts.test), energies(law, parts.anomalies));
    for (auto const& name : names) {
      if (name == of_ladder || name == of_experts) {
        std::vector<Rows> const all{parts.train, parts.test, parts.anomalies};
        std::vector<Scores> energies;
        Scores pooled;
        if (name == of_ladder) {
          auto const climb = ladder::climb(learner, options.ladder, all, settings);
          for (auto const& rung : climb.rungs) energies.push_back(rung.energies);
          pooled        = ladder::pooled(climb, parts.train.extent(0));
          seconds[name] = climb.seconds;
        } else {
          auto const council = experts::council(learner, options.council, all, settings);
          energies           = council.energies;
          pooled        = experts::pooled(council, parts.train.extent(0), options.council.power);
          seconds[name] = council.seconds;
        }
        auto const test  = pooled.begin() + static_cast<std::ptrdiff_t>(parts.train.extent(0));
        auto const other = test + static_cast<std::ptrdiff_t>(parts.test.extent(0));
        scores[name]     = auroc({test, other}, {other, pooled.end()});
        write_energies(options.energies, table.name, settings.seed, energies);
        continue;
      }
      Model const model = fitted(name);
      scores[name]      = auroc(model.energies(parts.test), model.energies(parts.anomalies));
    }
  } else {
    Rows const held_out = with_noise(parts.test, settings.noise, settings.seed);
    Proposals const proposals(law, settings.seed);
    scores["Gaussian"] = -mean(energies(law, held_out));
    for (auto const& name : names) {
      if (name == of_ladder || name == of_experts) continue;  // their scores are no densities
      Model const model = fitted(name);
      double const e    = mean(model.energies(held_out));
      scores[name]      = -e - proposals.log_z(model.energies(proposals.points));
      if (model.log_z) scores[with_own_log_z] = -e - *model.log_z;
      if (options.bracket)
        brackets[name] =
            bracketed(model, with_noise(parts.train, settings.noise, settings.seed + 1), e,
                      options.annealing, settings.seed);
    }
  }
  return {{"set", table.name},        {"score", table.labeled() ? "AUROC" : "nats"},
          {"seed", settings.seed},    {"scores", scores},
          {"seconds", seconds},       {"brackets", brackets},
          {"train", parts.train_rows}};
}

// The four objectives need one for just this number of columns; the ladder and the experts take the
// next that there is.
Learner learner_for(Table const& table, bool exact) {
  auto const columns = static_cast<int>(table.rows.extent(1));
  auto const found   = trainers().lower_bound(columns);
  if (found != trainers().end() && (!exact || found->first == columns))
    return {found->first, found->second};
  std::string compiled;
  for (auto const& [number, train] : trainers()) compiled += " " + std::to_string(number);
  throw std::runtime_error("tabular: '" + table.name + "' has " + std::to_string(columns) +
                           " columns, this program was compiled for" + compiled +
                           "; add it to the CMake variable TABULAR_COLUMNS");
}

// "0.912 +- 0.004 (3.1 s)": mean and deviation over the seeds, mean seconds; empty without a score.
std::string cell(std::vector<Json> const& lines, std::string const& name) {
  std::vector<double> scores;
  double seconds = 0;
  for (Json const& line : lines) {
    auto const score = line["scores"].find(name);
    // Of a line that was read back NaN is null.
    if (score == line["scores"].end() || !score->is_number() || std::isnan(score->get<double>()))
      return "";
    scores.push_back(*score);
    seconds += line["seconds"].value(name, 0.0) / static_cast<double>(lines.size());
  }
  double const m = mean(scores);
  double square  = 0;
  for (double const score : scores) square += (score - m) * (score - m);
  char text[80];
  int const length = std::snprintf(text, sizeof text, "%.3f \u00b1 %.3f", m,
                                   std::sqrt(square / static_cast<double>(scores.size())));
  if (seconds > 0)
    std::snprintf(text + length, sizeof text - static_cast<std::size_t>(length), " (%.1f s)",
                  seconds);
  return text;
}

// "-2.519 +- 0.004": the mean over the seeds and its Monte Carlo error; empty where there is none.
std::string bracket_cell(std::vector<Json> const& lines, std::string const& method,
                         std::string const& what) {
  double sum = 0, squares = 0;
  for (Json const& line : lines) {
    Json const& of = line["brackets"][method];
    if (!of.contains(what)) return "";
    sum += of[what].get<double>();
    squares += std::pow(of.value(what + " error", 0.0), 2);
  }
  auto const count = static_cast<double>(lines.size());
  char text[80];
  int const length = std::snprintf(text, sizeof text, "%.3f", sum / count);
  if (squares > 0)
    std::snprintf(text + length, sizeof text - static_cast<std::size_t>(length), " \u00b1 %.3f",
                  std::sqrt(squares) / count);
  return text;
}

// The lines of a run, one for each set and seed, and what they were made with. Rank 0 writes them.
class Results {
 public:
  // Throws where the folder has a run that is not to be resumed, or of other options.
  Results(Program const& program, Json const& described, basin::run::Process const& process) {
    if (process.is_first()) open(program, described);
    std::string lines;
    for (Json const& line : lines_) lines += line.dump() + "\n";
    std::istringstream in(basin::train::all_gather(process.ranks(), lines).front());
    lines_.clear();
    for (std::string line; std::getline(in, line);) lines_.push_back(Json::parse(line));
  }

  Json const* find(std::string const& set, std::uint64_t seed) const {
    for (Json const& line : lines_)
      if (line["set"] == set && line["seed"] == seed) return &line;
    return nullptr;
  }
  void add(Json const& line) {
    if (folder_) write(line);
    lines_.push_back(line);
  }

 private:
  void open(Program const& program, Json const& process) {
    folder_.emplace(program.out, 1);
    auto const file  = folder_->path() / "scores.jsonl";
    auto const about = folder_->path() / "run.json";
    if (std::ifstream in(file); in) {
      if (!program.resume)
        throw std::runtime_error("tabular: '" + program.out +
                                 "' has a run; write --resume to go on, or another --out");
      std::ifstream was(about);
      Json const before = Json::parse(was, nullptr, false);
      for (auto const& [name, value] : process["options"].items()) {
        bool const free = name == "out" || name == "resume" || name == "seeds" || name == "data" ||
                          name == "sets" || name == "energies";
        if (!free && before.is_object() && before["options"].contains(name) &&
            before["options"][name] != value)
          throw std::runtime_error("tabular: '" + program.out + "' was made with " + name + " " +
                                   before["options"][name].dump() + ", got " + value.dump());
      }
      for (std::string line; std::getline(in, line);)
        if (Json const entry = Json::parse(line, nullptr, false); entry.is_object())
          lines_.push_back(entry);  // the last line of a run that was killed may be cut
    }
    folder_->write_description(process.dump(2) + "\n");
    file_.open(file);
    for (Json const& line : lines_) write(line);
  }
  void write(Json const& line) {
    if (!(file_ << line.dump() << std::endl))
      throw std::runtime_error("tabular: '" + folder_->path().string() +
                               "/scores.jsonl' cannot be written");
  }

  std::optional<basin::run::Folder> folder_;
  std::ofstream file_;
  std::vector<Json> lines_;
};

int run(Program& o, Json const& described, basin::run::Process const& process) {
  Settings settings = o.settings;
  o.ladder.noise.check();
  o.ladder.views    = list(o.views);
  o.council.experts = list(o.experts);
  for (auto const& view : o.ladder.views)
    if (views.count(view) == 0)
      throw std::runtime_error("tabular: there is no view '" + view + "'");
  for (auto const& text : o.council.experts) experts::parsed(text);
  std::vector<Table> tables;
  for (auto const& name : list(o.sets)) tables.push_back(plane_set(name));
  for (auto const& path : list(o.data))
    for (auto const& file : files_of(path)) tables.push_back(read_set(file));
  if (tables.empty()) throw std::runtime_error("tabular: 0 sets; name some with --data or --sets");
  bool const labeled = std::all_of(tables.begin(), tables.end(), std::mem_fn(&Table::labeled));
  auto names         = list(o.methods);
  for (auto const& name : names)
    if (name != of_ladder && name != of_experts && methods.count(name) == 0)
      throw std::runtime_error("tabular: there is no method '" + name +
                               "'; there are experts, ladder, PCD, DSM, SSM and NCE");
  if (names.empty())
    names = labeled ? std::vector<std::string>{of_experts}
                    : std::vector<std::string>{"PCD", "DSM", "SSM", "NCE"};
  Results results(o, described, process);
  basin::run::StopSignals const signals;
  std::string brackets;
  bool const exact = std::any_of(names.begin(), names.end(),
                                 [](auto const& name) { return methods.count(name) > 0; });

  std::vector<std::string> columns{"Gaussian"};
  columns.insert(columns.end(), names.begin(), names.end());
  if (!labeled) columns.push_back(with_own_log_z);
  std::printf("| set | rows | columns | score |");
  for (auto const& name : columns) std::printf(" %s |", name.c_str());
  std::printf("\n|---|---|---|---|");
  for (std::size_t i = 0; i < columns.size(); ++i) std::printf("---|");
  for (Table const& table : tables) {
    Learner const learner = learner_for(table, exact);
    std::vector<std::uint64_t> missing;  // seeds, each for one rank
    for (std::uint64_t seed = 1; seed <= static_cast<std::uint64_t>(o.seeds); ++seed)
      if (!results.find(table.name, seed)) missing.push_back(seed);
    auto const ranks = static_cast<std::size_t>(process.rank_count());
    for (std::size_t i = 0; i < missing.size(); i += ranks) {
      std::string mine;
      if (std::size_t const at = i + static_cast<std::size_t>(process.rank());
          at < missing.size()) {
        settings.seed = missing[at];
        mine          = evaluate(table, learner, names, settings, o).dump();
      }
      for (auto const& line : basin::train::all_gather(process.ranks(), mine))
        if (!line.empty()) results.add(Json::parse(line));
      if (basin::train::any(process.ranks(), signals.flag() != 0))
        return basin::run::exit_status(basin::run::Ending::signaled);
    }
    std::vector<Json> lines;
    for (std::uint64_t seed = 1; seed <= static_cast<std::uint64_t>(o.seeds); ++seed)
      lines.push_back(*results.find(table.name, seed));
    std::printf("\n| %s | %zu | %zu | %s |", table.name.c_str(), table.rows.extent(0),
                table.rows.extent(1), table.labeled() ? "AUROC" : "nats");
    for (auto const& name : columns) std::printf(" %s |", cell(lines, name).c_str());
    std::fflush(stdout);
    for (auto const& name : names)
      if (o.bracket && lines.front()["brackets"].contains(name)) {
        brackets += "| " + table.name + " | " + name + " |";
        for (auto const* const what : {"least", "most", "quadrature"})
          brackets += " " + bracket_cell(lines, name, what) + " |";
        brackets += "\n";
      }
  }
  std::printf("\n");
  if (!brackets.empty())
    std::printf(
        "\n| set | objective | annealed back: at least | annealed: at most | quadrature |\n"
        "|---|---|---|---|---|\n%s",
        brackets.c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Program program;
  basin::run::CommandLine line(
      "Energies of tables: densities, and anomalies by AUROC, as one Markdown table.");
  line.add(program);
  if (!line.parse(argc, argv)) return line.status();
  basin::run::Process const process;
  try {
    return run(program, basin::run::describe_process(argc, argv, program), process);
  } catch (std::exception const& e) {
    return process.failed(e);
  }
}
