// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TILE_LIBRARY_HPP
#define BASIN_TILE_LIBRARY_HPP

#include <basin/tile/scratch.hpp>
#include <basin/tile/tuning.hpp>

#if defined(BASIN_WITH_CUBLAS) && defined(KOKKOS_ENABLE_CUDA)
#include <cublas_v2.h>
#endif

#include <cstddef>
#include <sstream>
#include <stdexcept>
#include <type_traits>

namespace basin::tile {

/// A matrix product of a layer, for every tile: y = W x, x (steps, width) with rows row_size values
/// apart, y (rows, width) contiguous.
template <class Scalar>
struct Product {
  Scalar const* w;  ///< (rows, steps) if by_rows, else (steps, rows); row-major
  int rows, steps;
  bool by_rows;     ///< layout of w
  Scalar const* x;  ///< of the first tile
  int row_size;
  int width;
};

/// No library: products are kernels of our own.
struct NoLibrary {};

#if defined(BASIN_WITH_CUBLAS) && defined(KOKKOS_ENABLE_CUDA)

/// cuBLAS, one batch of products with the same weights. With Precision::tf32 and bf16 it may round
/// both factors as Precision states, or not (where the product is small it does not); with
/// Precision::full float products are computed in float.
class CuBlas {
 public:
  /// y = W x for each of 'tiles' tiles. Asynchronous on exec; can be part of a graph.
  ///
  /// \param stride_x, stride_y  values from one tile to the next
  /// \throws std::runtime_error if cuBLAS refuses
  template <class Scalar>
  static void multiply(Kokkos::Cuda const& exec, Product<Scalar> const& p, std::size_t stride_x,
                       Scalar* y, std::size_t stride_y, int tiles, Precision precision) {
    static_assert(std::is_same_v<Scalar, float> || std::is_same_v<Scalar, double>);
    constexpr bool single       = std::is_same_v<Scalar, float>;
    cublasHandle_t const handle = handle_of(exec);
    // cuBLAS is column-major: it sees row-major arrays transposed, so y^T = x^T W^T.
    Scalar const one = 1, zero = 0;
    cudaDataType_t const type = single ? CUDA_R_32F : CUDA_R_64F;
    cublasComputeType_t const compute =
        !single                        ? CUBLAS_COMPUTE_64F
        : precision == Precision::tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32
        : precision == Precision::bf16 ? CUBLAS_COMPUTE_32F_FAST_16BF
                                       : CUBLAS_COMPUTE_32F;
    check(cublasGemmStridedBatchedEx(
              handle, CUBLAS_OP_N, p.by_rows ? CUBLAS_OP_N : CUBLAS_OP_T, p.width, p.rows, p.steps,
              &one, p.x, type, p.row_size, static_cast<long long>(stride_x), p.w, type,
              p.by_rows ? p.steps : p.rows, 0, &zero, y, type, p.width,
              static_cast<long long>(stride_y), tiles, compute, CUBLAS_GEMM_DEFAULT),
          "cublasGemmStridedBatchedEx");
  }

 private:
  static void check(cublasStatus_t status, char const* call) {
    if (status == CUBLAS_STATUS_SUCCESS) return;
    std::ostringstream sentence;
    sentence << "basin::tile::CuBlas: " << call << " answered " << cublasGetStatusString(status);
    throw std::runtime_error(sentence.str());
  }
  // One handle per host thread, with our own workspace: cuBLAS would allocate during graph capture.
  static cublasHandle_t handle_of(Kokkos::Cuda const& exec) {
    struct Handle {
      cublasHandle_t value = nullptr;
      Handle() { check(cublasCreate(&value), "cublasCreate"); }
    };
    // Never destroyed: at the end of the process the driver may be unloaded before.
    thread_local Handle* const handle = new Handle;
    constexpr std::size_t bytes       = std::size_t(32) << 20;  // cuBLAS's choice on Hopper
    check(cublasSetStream(handle->value, exec.cuda_stream()), "cublasSetStream");
    check(cublasSetWorkspace(handle->value, scratch(exec, Scratch::library, bytes), bytes),
          "cublasSetWorkspace");
    return handle->value;
  }
};

#endif

namespace detail {

template <class Exec>
struct LibraryOf {
  using type = NoLibrary;
};
#if defined(BASIN_WITH_CUBLAS) && defined(KOKKOS_ENABLE_CUDA)
template <>
struct LibraryOf<Kokkos::Cuda> {
  using type = CuBlas;
};
#endif

}  // namespace detail

/// The library of matrix products that an execution space has, or NoLibrary.
template <class Exec>
using library_of = typename detail::LibraryOf<Exec>::type;

}  // namespace basin::tile

#endif
