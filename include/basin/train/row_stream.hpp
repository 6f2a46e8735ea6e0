// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TRAIN_ROW_STREAM_HPP
#define BASIN_TRAIN_ROW_STREAM_HPP

#include <basin/core/field.hpp>
#include <basin/core/part.hpp>
#include <basin/core/row_source.hpp>
#include <basin/objective/batch.hpp>
#include <basin/train/detail/staging.hpp>
#include <basin/train/fill_ahead.hpp>
#include <basin/train/metrics.hpp>
#include <basin/train/row_order.hpp>

#include <Kokkos_Core.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <type_traits>
#include <utility>
#include <vector>

namespace basin::train {

/// In which parts a set is read. The order of the rows depends on both.
struct RowStreamOptions {
  long window = 0;  ///< rows at hand, of which batches are drawn; 0: 256 MiB of floats
  long block  = 0;  ///< rows that are read together, as they stand; 0: 1 MiB of floats

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"window", "rows", "at hand, of which batches are drawn; 0: 256 MiB of floats"},
      self.window, range::at_least(0));
    f(Field{"block", "rows", "that are read together, as they stand; 0: 1 MiB of floats"},
      self.block, range::at_least(0));
  }
  /// \throws std::invalid_argument naming the field and its value
  void check() const { check_fields("basin::train::RowStream", *this); }
};

/// A set for a Trainer that memory does not hold, or should not: rows are read by another thread
/// while the trainer works on those read before, see Window.
///
///   Trainer trainer(options, basin::train::RowStream(basin::io::NpyRows("rows.npy")));
///
/// Copies share the source.
class RowStream {
 public:
  /// \param source  see RowSource; with read_labels, if it has them
  /// \throws std::invalid_argument naming the option and its value
  template <class Source>
  explicit RowStream(Source source, RowStreamOptions const& options = {}) : options_(options) {
    static_assert(check_row_source<Source>::value);
    options.check();
    if constexpr (RowSource<Source>) {
      struct Shared {
        Source source;
        std::mutex one_at_a_time;
        explicit Shared(Source s) : source(std::move(s)) {}
      };
      auto const shared = std::make_shared<Shared>(std::move(source));
      rows_             = shared->source.rows();
      dimension_        = shared->source.dimension();
      read_             = [shared](std::uint64_t first, std::size_t count, float* to) {
        std::lock_guard const lock(shared->one_at_a_time);
        shared->source.read(first, count, to);
      };
      if constexpr (LabeledRowSource<Source>)
        read_labels_ = [shared](std::uint64_t first, std::size_t count, int* to) {
          std::lock_guard const lock(shared->one_at_a_time);
          shared->source.read_labels(first, count, to);
        };
    }
  }

  std::uint64_t rows() const { return rows_; }
  std::size_t dimension() const { return dimension_; }
  bool has_labels() const { return static_cast<bool>(read_labels_); }
  RowStreamOptions const& options() const { return options_; }

  /// A part of the rows, as a stream of its own.
  RowStream part(Part const& of) const {
    RowStream mine = *this;
    mine.first_ += of.first;
    mine.rows_ = of.count();
    return mine;
  }
  /// The number in the source of the first row.
  std::uint64_t first() const { return first_; }

  /// Rows first ... first + count - 1, to (count, dimension). \throws what the source throws
  void read(std::uint64_t first, std::size_t count, float* to) const {
    read_(first_ + first, count, to);
  }
  void read_labels(std::uint64_t first, std::size_t count, int* to) const {
    read_labels_(first_ + first, count, to);
  }

 private:
  RowStreamOptions options_;
  std::uint64_t first_ = 0, rows_ = 0;
  std::size_t dimension_ = 0;
  std::function<void(std::uint64_t, std::size_t, float*)> read_;
  std::function<void(std::uint64_t, std::size_t, int*)> read_labels_;
};

/// What Batches asks of a Window: who has no stream does not compile one.
template <class Scalar, class Exec>
struct AnyWindow {
  using Dataset = objective::Dataset<Scalar, typename Exec::memory_space>;

  virtual ~AnyWindow() = default;
  /// Rows of the whole set.
  virtual std::uint64_t rows() const = 0;
  /// The block that kernels read. Its Views stay, their contents change.
  virtual Dataset data() const = 0;
  /// A copy of what is at hand.
  virtual Dataset copy(Exec const& exec) const = 0;
  /// Makes data() that of a step. Where that is another window, waits for the thread and for exec.
  /// \throws what reading the window threw; data() is then as it was, and a later call tries again
  virtual void advance(Exec const& exec, std::uint64_t step) = 0;
  /// Of the time since the last call, the share in which advance waited for the thread.
  virtual double wait_share() = 0;
};

/// The rows of a stream that are at hand: window n of RowOrder at steps [n w, (n + 1) w), w batches
/// being a window. A thread reads window n + 1 meanwhile, and looks for numbers that are not finite.
/// Where the step at hand needs another window, it waits for the thread if it must, then copies the
/// window to the block that kernels read, which is the same for all windows.
///
/// What a step is given is a function of (seed, step) alone. Memory: a window where kernels run and
/// one on the host (pinned, with a GPU); the first window once more, where kernels run, if the
/// objective keeps it.
template <class Scalar, class Exec>
class Window final : public AnyWindow<Scalar, Exec> {
  using memory  = typename Exec::memory_space;
  using Staging = detail::StagingSpace<Exec>;
  template <class Space>
  using Points = Kokkos::View<Scalar**, Kokkos::LayoutRight, Space>;
  template <class Space>
  using Labels = Kokkos::View<int*, Space>;

 public:
  using Dataset = typename AnyWindow<Scalar, Exec>::Dataset;

  /// Reads the first window.
  ///
  /// \param batch    rows of a step, at most those of the stream
  /// \param classes  labels are below it; 0: any
  /// \throws std::invalid_argument if a window does not hold a batch, or holds 2^31 rows or more, or
  ///         naming the row of a number that is not finite
  /// \throws std::runtime_error if the rows cannot be read
  Window(Exec const& exec, RowStream const& rows, int batch, std::uint64_t seed, int classes)
      : rows_(rows),
        batch_(static_cast<std::uint64_t>(batch)),
        size_(window_of(rows, batch)),
        classes_(classes),
        order_(rows.rows(), block_of(rows), size_, seed),
        points_(Kokkos::view_alloc("basin::train::window", Kokkos::WithoutInitializing), size_,
                rows.dimension()),
        labels_("basin::train::window", rows.has_labels() ? size_ : 0),
        next_(Kokkos::view_alloc("basin::train::next_window", Kokkos::WithoutInitializing), size_,
              rows.dimension()),
        next_labels_("basin::train::next_window", rows.has_labels() ? size_ : 0),
        ahead_([this](std::uint64_t n, std::atomic<bool> const& is_stale) { fill(n, is_stale); }) {
    advance(exec, 0);
    (void)wait_share();
  }
  Window(Window const&)            = delete;
  Window& operator=(Window const&) = delete;

  std::uint64_t rows() const override { return rows_.rows(); }
  Dataset data() const override {
    return {.points = points_, .labels = labels_, .conditions = {}, .weights = {}};
  }
  Dataset copy(Exec const& exec) const override {
    Points<memory> const points(
        Kokkos::view_alloc("basin::train::first_window", Kokkos::WithoutInitializing),
        points_.extent(0), points_.extent(1));
    Labels<memory> const labels("basin::train::first_window", labels_.extent(0));
    Kokkos::deep_copy(exec, points, points_);
    Kokkos::deep_copy(exec, labels, labels_);
    exec.fence("basin::train::window");
    return {.points = points, .labels = labels, .conditions = {}, .weights = {}};
  }

  void advance(Exec const& exec, std::uint64_t step) override {
    std::uint64_t const n = step * batch_ / size_;
    if (n == at_) return;
    auto const start = Clock::now();
    ahead_.wait(n);
    waited_ += seconds(Clock::now() - start);
    Kokkos::deep_copy(exec, points_, next_);
    Kokkos::deep_copy(exec, labels_, next_labels_);
    exec.fence("basin::train::window");
    at_ = n;
    ahead_.start(n + 1);
  }

  double wait_share() override {
    auto const now     = Clock::now();
    double const share = std::exchange(waited_, 0) / seconds(now - reported_);
    reported_          = now;
    return share;
  }

 private:
  using Clock = std::chrono::steady_clock;
  static double seconds(Clock::duration t) { return std::chrono::duration<double>(t).count(); }

  static std::uint64_t rows_of_bytes(RowStream const& rows, std::size_t bytes) {
    return std::max<std::uint64_t>(1, bytes / sizeof(float) / rows.dimension());
  }
  static std::uint64_t block_of(RowStream const& rows) {
    auto const block = static_cast<std::uint64_t>(rows.options().block);
    return std::min(block > 0 ? block : rows_of_bytes(rows, std::size_t(1) << 20), rows.rows());
  }
  // Whole batches, at most the whole set.
  static std::uint64_t window_of(RowStream const& rows, int batch) {
    constexpr long most = (1l << 31) - 1;
    long const window = rows.options().window, B = batch;
    if (window > 0 && window < B)
      refuse("basin::train::RowStream", "window is ", window, " rows, fewer than the batch of ", B);
    if (window > most - B)
      refuse("basin::train::RowStream", "window is ", window, " rows, a batch of ", B,
             " takes at most ", most - B);
    std::uint64_t const wanted = window > 0 ? static_cast<std::uint64_t>(window)
                                            : std::clamp(rows_of_bytes(rows, std::size_t(1) << 28),
                                                         static_cast<std::uint64_t>(B),
                                                         static_cast<std::uint64_t>(most - B));
    std::uint64_t const size   = std::min(wanted, rows.rows());
    return size - size % static_cast<std::uint64_t>(B);
  }

  // By the thread.
  void fill(std::uint64_t n, std::atomic<bool> const& is_stale) {
    std::size_t at = 0;
    for (RowSegment const& part : order_(n)) {
      if (is_stale) return;
      read(part, next_.data() + at * rows_.dimension());
      if (rows_.has_labels()) read_labels(n, part, next_labels_.data() + at);
      at += static_cast<std::size_t>(part.count);
    }
  }
  void read(RowSegment const& part, Scalar* to) {
    std::size_t const D = rows_.dimension(), count = static_cast<std::size_t>(part.count) * D;
    if constexpr (std::is_same_v<Scalar, float>) {
      rows_.read(part.first, static_cast<std::size_t>(part.count), to);
    } else {
      read_.resize(count);
      rows_.read(part.first, static_cast<std::size_t>(part.count), read_.data());
      std::copy(read_.begin(), read_.end(), to);
    }
    bool wrong = false;
    for (std::size_t i = 0; i < count; ++i)
      wrong |= !(std::abs(to[i]) <= std::numeric_limits<Scalar>::max());
    if (!wrong) return;
    std::size_t i = 0;
    while (std::isfinite(to[i])) ++i;
    refuse(who, "data(", rows_.first() + part.first + i / D, ", ", i % D, ") is ", to[i],
           "; drop that row, or replace the number");
  }
  // The objective looks at the labels of the first window alone.
  void read_labels(std::uint64_t n, RowSegment const& part, int* to) {
    rows_.read_labels(part.first, static_cast<std::size_t>(part.count), to);
    for (std::uint64_t i = 0; i < part.count; ++i) {
      if (classes_ > 0 && to[i] >= classes_)
        refuse(who, "labels must be below ", classes_, ", the number of logits; labels(",
               rows_.first() + part.first + i, ") is ", to[i]);
      if (to[i] < 0 && n == 0) has_unlabeled_ = true;
      if (to[i] < 0 && !has_unlabeled_)
        refuse(who, "labels(", rows_.first() + part.first + i, ") is ", to[i],
               ", and no row of the first window is without a label; write a larger window, or put "
               "such rows elsewhere in the file");
    }
  }

  static constexpr char const* who = "basin::train::Trainer";

  RowStream rows_;
  std::uint64_t batch_, size_;
  int classes_;
  RowOrder order_;               // the thread's
  std::vector<float> read_;      // the thread's
  bool has_unlabeled_ = false;   // the thread's
  Points<memory> points_;        // (window, dimension)
  Labels<memory> labels_;        // (window) or (0)
  Points<Staging> next_;         // (window, dimension) of the thread, see FillAhead
  Labels<Staging> next_labels_;  // (window) or (0)
  std::uint64_t at_           = std::numeric_limits<std::uint64_t>::max();
  double waited_              = 0;
  Clock::time_point reported_ = Clock::now();
  detail::FillAhead ahead_;  // last: its thread uses all of the others
};

}  // namespace basin::train

#endif
