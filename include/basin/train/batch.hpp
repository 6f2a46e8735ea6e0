// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TRAIN_BATCH_HPP
#define BASIN_TRAIN_BATCH_HPP

#include <basin/core/field.hpp>
#include <basin/objective/batch.hpp>
#include <basin/tile/launch.hpp>
#include <basin/train/row_stream.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <type_traits>

namespace basin::train {

/// Noise added to the data, and the range to which they are limited.
struct DataNoise {
  double standard_deviation = 0;                                         ///< units of x; >= 0
  double lower              = -std::numeric_limits<double>::infinity();  ///< units of x
  double upper              = std::numeric_limits<double>::infinity();   ///< units of x; > lower

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"standard_deviation", "x", "of the noise added to the data"}, self.standard_deviation,
      range::at_least(0).finite());
    f(Field{"lower", "x", "bound of the noisy data"}, self.lower);
    f(Field{"upper", "x", "bound of the noisy data, > lower"}, self.upper);
  }

  /// \throws std::invalid_argument naming the field and its value
  void check() const {
    char const* who = "basin::train::DataNoise";
    check_fields(who, *this);
    if (!(lower < upper)) refuse(who, "lower must be < upper, got ", lower, " and ", upper);
  }
};

namespace detail {

// batch(i, :) = a row of the data, with what comes with it: every row once per epoch, in a new
// order each epoch.
template <class Dataset, class Batch>
struct GatherSample {
  using Data                          = tile::Borrowed<decltype(Dataset::points)>;
  using Points                        = tile::Borrowed<decltype(Batch::points)>;
  using scalar_type                   = typename Points::non_const_value_type;
  static constexpr int workspace_rows = 0;
  Data data;      // (rows, dimension)
  Points points;  // (B, dimension)
  Data data_conditions;
  Points conditions;       // (B, k)
  int const* data_labels;  // (rows), null: none
  int* labels;             // (B), null: none
  scalar_type const* data_weights;
  scalar_type* weights;  // (B), null: none
  std::uint64_t seed;
  Step step;
  Permutation epoch{1, {}}, next_epoch{1, {}};
  int position = 0;  // of the batch's first sample in its epoch

  GatherSample(Dataset const& from, Batch const& to, std::uint64_t s, Step const& now)
      : data(from.points),
        points(to.points),
        data_conditions(from.conditions),
        conditions(to.conditions),
        data_labels(from.labels.data()),
        // An empty View may have a non-null address.
        labels(to.labels.extent(0) > 0 ? to.labels.data() : nullptr),
        data_weights(from.weights.data()),
        weights(to.weights.extent(0) > 0 ? to.weights.data() : nullptr),
        seed(s),
        step(now) {}

  KOKKOS_FUNCTION GatherSample now() const {
    GatherSample r           = *this;
    std::uint64_t const rows = data.extent(0), first = step.now() * points.extent(0);
    Stream order{seed, Purpose::data_order, first / rows};
    r.epoch    = Permutation(static_cast<std::uint32_t>(rows), order);
    r.position = static_cast<int>(first % rows);
    ++order.step;
    if (first % rows + points.extent(0) > rows)
      r.next_epoch = Permutation(static_cast<std::uint32_t>(rows), order);
    return r;
  }

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, scalar_type*, int i) const {
    int const rows = static_cast<int>(data.extent(0)), at = position + i;
    int const row   = static_cast<int>(at < rows ? epoch(static_cast<std::uint32_t>(at))
                                                 : next_epoch(static_cast<std::uint32_t>(at - rows)));
    Data const from = data;
    Points const to = points;
    c.each(static_cast<int>(data.extent(1)), [=](int d) { to(i, d) = from(row, d); });
    if (conditions.extent(1) > 0) {
      Data const all    = data_conditions;
      Points const mine = conditions;
      c.each(static_cast<int>(mine.extent(1)), [=](int k) { mine(i, k) = all(row, k); });
    }
    if (labels || weights) {
      int const* const all_labels          = data_labels;
      int* const my_labels                 = labels;
      scalar_type const* const all_weights = data_weights;
      scalar_type* const my_weights        = weights;
      c.each(1, [=](int) {
        if (my_labels) my_labels[i] = all_labels[row];
        if (my_weights) my_weights[i] = all_weights[row];
      });
    }
  }
};

// The smallest index of a value in the data that is not finite.
template <class Data>
struct FirstNotFinite {
  Data data;  // (rows, dimension)
  KOKKOS_FUNCTION void operator()(long i, long& first) const {
    long const columns = static_cast<long>(data.extent(1));
    if (!Kokkos::isfinite(data(i / columns, i % columns)) && i < first) first = i;
  }
};

template <class Points, int Dimension>
struct AddNoise {
  using scalar_type                   = typename Points::non_const_value_type;
  static constexpr int workspace_rows = Dimension;
  Points points;  // (B, dimension)
  scalar_type noise, lower, upper;
  Stream stream;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, scalar_type* x, int tile) const {
    int const first = tile * Context::width, count = static_cast<int>(points.extent(0));
    AddNoise const n = *this;
    c.load_chains(points, first, count, +Dimension, x);
    c.normal(+Dimension, stream.now(), static_cast<std::uint32_t>(first), [=](auto at, auto z) {
      at.store(x, clamp(fma(decltype(z)(n.noise), z, at.load(x)), n.lower, n.upper));
    });
    c.store_chains(x, first, count, +Dimension, points);
  }
};

// A copy on the device. Between memory spaces Kokkos copies bytes: other scalar types or layouts
// are converted on the host.
template <class To, class From>
To on_device(From const& from) {
  using Copy            = Kokkos::View<typename To::non_const_data_type, typename To::array_layout,
                                       typename To::memory_space>;
  auto const allocation = Kokkos::view_alloc("basin::train::data", Kokkos::WithoutInitializing);
  Copy copy;
  if constexpr (To::rank() == 2)
    copy = Copy(allocation, from.extent(0), from.extent(1));
  else
    copy = Copy(allocation, from.extent(0));
  if constexpr (Kokkos::SpaceAccessibility<Kokkos::HostSpace,
                                           typename From::memory_space>::accessible) {
    auto const host = Kokkos::create_mirror_view(copy);
    Kokkos::deep_copy(host, from);
    Kokkos::deep_copy(copy, host);
  } else {
    Kokkos::deep_copy(copy, from);
  }
  return copy;
}

}  // namespace detail

/// The number of labels of a classifier; 0: any.
template <class E>
inline constexpr int label_count = 0;
template <class E>
  requires(E::outputs > 1)
inline constexpr int label_count<E> = E::outputs;

/// The training data on the device, or the window of a stream of them, and the batch that a step
/// draws from them.
///
/// \tparam coordinates  of the energy
/// \tparam conditions   the last of them, set by the objective: a row of the data has none
template <class Scalar, int coordinates, int conditions, class Exec, tile::Tuning tuning>
class Batches {
  static constexpr int dimension = coordinates - conditions;

 public:
  using memory  = typename Exec::memory_space;
  using Dataset = objective::Dataset<Scalar, memory>;
  using Batch   = objective::Batch<Scalar, memory>;

  /// \param data   referenced, not copied
  /// \param first  the number of its first row, for sentences
  /// \throws std::invalid_argument naming the shapes that do not fit, or the position of a value
  ///         that is not finite
  Batches(Exec const& exec, int batch, Dataset const& data, std::uint64_t seed,
          std::uint64_t first = 0)
      : data_(data), seed_(seed), first_(first) {
    check_shape(batch, data.points.extent(0), data.points.extent(1));
    check_count(batch, data.points.extent(0));
    check_length("labels", data.labels);
    check_length("conditions", data.conditions);
    check_length("weights", data.weights);
    check_finite(exec, "data", data.points);
    check_finite(exec, "conditions", data.conditions);
    using Rows = Kokkos::View<Scalar const**, Kokkos::LayoutRight, memory,
                              Kokkos::MemoryTraits<Kokkos::Unmanaged>>;
    check_finite(exec, "weights", Rows(data.weights.data(), data.weights.extent(0), 1));
  }

  /// \param classes  labels are below it; 0: any
  /// \throws std::invalid_argument as above, of the first window
  /// \throws std::runtime_error if the rows cannot be read
  Batches(Exec const& exec, int batch, RowStream const& rows, std::uint64_t seed, int classes)
      : window_(window_of(exec, batch, rows, seed, classes)), data_(window_->data()), seed_(seed) {}

  /// Copies of a user's data, from any memory space and of any scalar type.
  ///
  /// \param points  (rows, dimension)
  /// \param labels  (rows) integers
  /// \throws std::invalid_argument naming the shapes that do not fit
  template <class Points>
  static Dataset on_device(int batch, Points const& points) {
    static_assert(
        Kokkos::is_view_v<Points>,
        "basin::train::Trainer: data must be a Kokkos::View of rank 2, (rows, dimension); "
        "an unmanaged one may wrap memory of another container; rows of a file go into a "
        "basin::train::RowStream.");
    static_assert(Points::rank() == 2,
                  "basin::train::Trainer: data must be a View of rank 2, (rows, dimension).");
    check_shape(batch, points.extent(0), points.extent(1));
    check_count(batch, points.extent(0));
    return {.points     = detail::on_device<decltype(Dataset::points)>(points),
            .labels     = {},
            .conditions = {},
            .weights    = {}};
  }
  template <class Points, class Labels>
  static Dataset on_device(int batch, Points const& points, Labels const& labels) {
    static_assert(Labels::rank() == 1 && std::is_integral_v<typename Labels::non_const_value_type>,
                  "basin::train::Trainer: labels must be a View of rank 1 of integers, (rows).");
    if (labels.extent(0) != points.extent(0))
      refuse(who, "labels has first extent ", labels.extent(0), ", data has ", points.extent(0),
             " rows");
    Dataset all = on_device(batch, points);
    all.labels  = detail::on_device<decltype(Dataset::labels)>(labels);
    return all;
  }

  /// What is at hand: its Views stay, the contents of those of a stream change.
  Dataset const& data() const { return data_; }
  /// The same with contents that stay: of a stream a copy of what is at hand.
  Dataset lasting(Exec const& exec) const { return window_ ? window_->copy(exec) : data_; }
  /// Of the whole set.
  std::uint64_t rows() const { return window_ ? window_->rows() : data_.points.extent(0); }

  /// Makes data() that of a step, before its kernels are launched: see Window::advance.
  void advance(Exec const& exec, std::uint64_t step) const {
    if (window_) window_->advance(exec, step);
  }
  /// Adds what there is to report of a stream since the last call.
  void report(Metrics& m) const {
    if (window_)
      m.add({"stream_wait", "1", "share of the time in which steps waited for rows to be read"},
            window_->wait_share());
  }

  /// Checks that a batch uses what comes with the points, and that nothing is missing.
  /// \throws std::invalid_argument naming what is missing or not used
  void check(Batch const& batch) const {
    check_taken("labels", data_.labels.extent(0), batch.labels.extent(0));
    check_taken("conditions", data_.conditions.extent(1), batch.conditions.extent(1));
    check_taken("weights", data_.weights.extent(0), batch.weights.extent(0));
    if (data_.conditions.extent(1) != batch.conditions.extent(1))
      refuse(who, "conditions has second extent ", data_.conditions.extent(1),
             ", the objective takes ", batch.conditions.extent(1));
  }

  /// batch = the rows of this step, with noise on the points. Asynchronous on exec.
  void load(Exec const& exec, Batch const& batch, DataNoise const& noise, Step const& step) const {
    int const B = static_cast<int>(batch.points.extent(0));
    tile::for_each_chain<tuning>(exec, "basin::gather", B,
                                 detail::GatherSample<Dataset, Batch>(data_, batch, seed_, step));
    if (noise.standard_deviation > 0) {
      using Points = decltype(batch.points);
      tile::for_each_tile<tuning>(
          exec, "basin::noise", tile::tiles(B, tuning.width),
          detail::AddNoise<std::remove_const_t<Points>, dimension>{
              batch.points, static_cast<Scalar>(noise.standard_deviation),
              static_cast<Scalar>(noise.lower), static_cast<Scalar>(noise.upper),
              step.stream(seed_, Purpose::data_noise)});
    }
  }

 private:
  static constexpr char const* who = "basin::train::Trainer";

  static auto window_of(Exec const& exec, int batch, RowStream const& rows, std::uint64_t seed,
                        int classes) {
    check_shape(batch, rows.rows(), rows.dimension());
    return std::make_shared<Window<Scalar, Exec>>(exec, rows, batch, seed, classes);
  }

  static void check_shape(int batch, std::uint64_t rows, std::size_t columns) {
    if (!is_extent(columns, dimension)) {
      if (conditions == 0)
        refuse(who, "data has second extent ", columns, ", the energy has dimension ",
               +coordinates);
      refuse(who, "data has second extent ", columns, ", the energy has dimension ", +coordinates,
             " with ", +conditions, " for the condition of the objective");
    }
    if (rows < static_cast<std::uint64_t>(batch))
      refuse(who, "data has ", rows, " rows, fewer than the batch of ", batch);
  }
  static void check_count(int batch, std::size_t rows) {
    constexpr std::size_t most = (std::size_t(1) << 31) - 1;
    if (rows > most - static_cast<std::size_t>(batch))
      refuse(who, "data has ", rows, " rows, a batch of ", batch, " takes at most ",
             most - static_cast<std::size_t>(batch));
  }

  template <class View>
  void check_length(char const* name, View const& view) const {
    if (view.extent(0) != 0 && view.extent(0) != data_.points.extent(0))
      refuse(who, name, " has first extent ", view.extent(0), ", data has ", data_.points.extent(0),
             " rows");
  }

  static void check_taken(char const* name, std::size_t given, std::size_t taken) {
    if (given > 0 && taken == 0)
      refuse(who, name, " are given, and the objective takes none; leave them out");
    if (given == 0 && taken > 0)
      refuse(who, "the objective takes ", name, ", and none are given; write them behind the data");
  }

  // The position of the first value that is not finite: the run would diverge.
  template <class Rows>
  void check_finite(Exec const& exec, char const* name, Rows const& rows) const {
    long const columns = static_cast<long>(rows.extent(1));
    long const numbers = static_cast<long>(rows.extent(0)) * columns;
    if (numbers == 0) return;
    long first = numbers;
    Kokkos::parallel_reduce("basin::train::check",
                            Kokkos::RangePolicy<Exec, Kokkos::IndexType<long>>(exec, 0, numbers),
                            detail::FirstNotFinite<Rows>{rows}, Kokkos::Min<long>(first));
    exec.fence("basin::train::check");
    if (first >= numbers) return;
    Scalar value;
    Kokkos::deep_copy(value, Kokkos::subview(rows, first / columns, first % columns));
    refuse(who, name, "(", static_cast<long>(first_) + first / columns, ", ", first % columns,
           ") is ", value, "; drop that row, or replace the number");
  }

  std::shared_ptr<AnyWindow<Scalar, Exec>> window_;  // of a stream, else null
  Dataset data_;
  std::uint64_t seed_;
  std::uint64_t first_ = 0;
};

}  // namespace basin::train

#endif
