# SPDX-License-Identifier: Apache-2.0

# Every fused multiply-add in basin is explicit, and no compiler may add one: so every context gives the same bits.
# (Where the packing of numbers differs, a compiler fuses differently.) It costs no speed. Part of the package too,
# because the options depend on the user's Kokkos.
function(basin_exact_arithmetic target)
  target_compile_options(${target} INTERFACE
    $<$<COMPILE_LANG_AND_ID:CXX,GNU,Clang,AppleClang,IntelLLVM>:-ffp-contract=off>)
  # g++ notes at every vector of 64 bytes that its ABI was another before GCC 4.6.
  target_compile_options(${target} INTERFACE $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-psabi>)
  if(NOT Kokkos_ENABLE_CUDA)
    return()
  endif()
  if(Kokkos_COMPILE_LANGUAGE STREQUAL "CUDA")
    target_compile_options(${target} INTERFACE
      $<$<COMPILE_LANG_AND_ID:CUDA,NVIDIA>:-fmad=false -Xcompiler=-ffp-contract=off>)
  else()
    # Kokkos' nvcc_wrapper passes for the host compiler behind it. It hands -ffp-contract=off to that one; this
    # one is for nvcc.
    target_compile_options(${target} INTERFACE $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fmad=false>)
  endif()
endfunction()
