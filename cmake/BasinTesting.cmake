# SPDX-License-Identifier: Apache-2.0

set(BASIN_TEST_BACKENDS)
foreach(backend Serial OpenMP Threads Cuda HIP)
  string(TOUPPER ${backend} upper)
  if(Kokkos_ENABLE_${upper})
    list(APPEND BASIN_TEST_BACKENDS ${backend})
  endif()
endforeach()

list(GET BASIN_TEST_BACKENDS 0 BASIN_FIRST_TEST_BACKEND)

# What all tests run in, unless the user says otherwise: two threads on any machine, as in CI, which are bound to no
# core and sleep while they wait, so that several tests may share the cores. (catch_discover_tests takes no list for
# the property ENVIRONMENT, therefore ctest itself is given these variables.)
file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/test_environment.cmake [[
foreach(variable OMP_NUM_THREADS=2 OMP_PROC_BIND=false OMP_WAIT_POLICY=passive)
  string(REGEX MATCH "(.*)=(.*)" _ ${variable})
  if(NOT DEFINED ENV{${CMAKE_MATCH_1}})
    set(ENV{${CMAKE_MATCH_1}} ${CMAKE_MATCH_2})
  endif()
endforeach()
]])
set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${CMAKE_CURRENT_BINARY_DIR}/test_environment.cmake)

# Where there is no GPU its part is played by a host's threads, see tests/support/played_gpu.hpp.
option(BASIN_PLAY_GPU_IN_ALL_TESTS "Run every test with a GPU that a host plays, not only those of its kernels" OFF)
set(BASIN_TESTS_WITH_PLAYED_GPU
  tile/team tile/context tile/matrix_unit tile/phases tile/graph tile/block tile/placement
  energy/pack energy/parameter_gradient sampler/langevin train/determinism)
# Those of packed weights, which GPUs read and hosts do not by default: of a host, energy/pack is enough.
set(BASIN_TESTS_OF_GPUS
  tile/packed_products tile/packed_products_images tile/packed_products_jets tile/matrix_unit_products
  energy/pack_images energy/pack_precision)

set(BASIN_COMPONENTS basin basin_data basin_io basin_run)
if(MPI_CXX_FOUND)
  list(APPEND BASIN_COMPONENTS basin_mpi)
endif()

# What the preset tidy builds: all headers, and a program that instantiates the usual ones.
add_library(basin_tidy OBJECT EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/examples/first_model.cpp)
target_link_libraries(basin_tidy PRIVATE ${BASIN_COMPONENTS})
foreach(component IN LISTS BASIN_COMPONENTS)
  get_target_property(component_headers ${component} HEADER_SET_HEADERS)
  set(lines "")
  foreach(header IN LISTS component_headers)
    string(REPLACE "${PROJECT_SOURCE_DIR}/include/" "" header ${header})
    string(APPEND lines "#include <${header}>\n")
  endforeach()
  file(CONFIGURE OUTPUT tidy/${component}.cpp CONTENT "${lines}")
  target_sources(basin_tidy PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/tidy/${component}.cpp)
endforeach()

# basin_add_header_tests(): the target basin_headers compiles each header alone, but for what is precompiled:
# tools/lint looks for headers that name Kokkos and do not include it.
function(basin_add_header_tests)
  add_custom_target(basin_headers)
  foreach(component IN LISTS BASIN_COMPONENTS)
    get_target_property(headers ${component} HEADER_SET_HEADERS)
    set(target headers_of_${component})
    add_library(${target} OBJECT EXCLUDE_FROM_ALL)
    target_link_libraries(${target} PRIVATE ${BASIN_COMPONENTS})
    target_precompile_headers(${target} REUSE_FROM basin_plain_headers)
    foreach(header IN LISTS headers)
      string(REPLACE "${PROJECT_SOURCE_DIR}/include/" "" header ${header})
      file(CONFIGURE OUTPUT headers/${header}.cpp CONTENT "#include <${header}>\n")
      target_sources(${target} PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/headers/${header}.cpp)
    endforeach()
    add_dependencies(basin_headers ${target})
  endforeach()
endfunction()

# basin_add_test(sampler/langevin): tests/sampler/langevin.cpp as one executable for each backend that this Kokkos
# has, labeled with the backend's name, and with a played GPU where a list above says so; its tests with the tag
# [long] with <backend>_long, which tools/test leaves out. A file with a line '// Long: ' is not even compiled there.
function(basin_add_test path)
  set(on_host ON)
  if(Kokkos_ENABLE_CUDA OR Kokkos_ENABLE_HIP)
    set(on_host OFF)
  endif()
  if(NOT on_host OR NOT path IN_LIST BASIN_TESTS_OF_GPUS)
    foreach(backend IN LISTS BASIN_TEST_BACKENDS)
      string(TOLOWER ${backend} label)
      basin_add_test_of_backend(${path} ${label} ${backend})
      if(TARGET basin_test_headers)
        target_precompile_headers(${target} REUSE_FROM basin_test_headers)
      endif()
    endforeach()
  endif()
  if(on_host AND (BASIN_PLAY_GPU_IN_ALL_TESTS OR path IN_LIST BASIN_TESTS_WITH_PLAYED_GPU
                  OR path IN_LIST BASIN_TESTS_OF_GPUS))
    basin_add_test_of_backend(${path} played ${BASIN_FIRST_TEST_BACKEND})
    target_precompile_headers(${target} REUSE_FROM basin_played_headers)
  endif()
endfunction()

function(basin_add_test_of_backend path label backend)
  string(REPLACE "/" "_" name ${path})
  set(target test_${name}_${label})
  add_executable(${target} ${path}.cpp)
  target_link_libraries(${target} PRIVATE basin_test_main)
  target_compile_definitions(${target} PRIVATE BASIN_TEST_EXEC=Kokkos::${backend})
  file(STRINGS ${path}.cpp long REGEX "^// Long: " LIMIT_COUNT 1)
  if(long)
    set_target_properties(${target} PROPERTIES EXCLUDE_FROM_ALL ON)
    add_dependencies(basin_long ${target})
    add_test(NAME ${label}/${path} COMMAND ${target})
    set_tests_properties(${label}/${path} PROPERTIES LABELS ${label}_long TIMEOUT 3000)
    set(target ${target} PARENT_SCOPE)
    return()
  endif()
  file(STRINGS ${path}.cpp long_ones REGEX "\\[long\\]")
  catch_discover_tests(${target} TEST_SPEC "~[long]" TEST_PREFIX "${label}/${path}/" DISCOVERY_MODE PRE_TEST
    PROPERTIES LABELS ${label} TIMEOUT 300)
  if(long_ones)
    catch_discover_tests(${target} TEST_SPEC "[long]" TEST_PREFIX "${label}/${path}/" DISCOVERY_MODE PRE_TEST
      PROPERTIES LABELS ${label}_long TIMEOUT 3000)
  endif()
  set(target ${target} PARENT_SCOPE)
endfunction()

# What Open MPI 4 and 5 want of root and of more ranks than cores, whose threads are bound to no core and sleep.
set(BASIN_MPI_ENVIRONMENT OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
  OMPI_MCA_hwloc_base_binding_policy=none PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe
  PRTE_MCA_hwloc_default_binding_policy=none OMPI_MCA_btl_vader_single_copy_mechanism=none OMP_WAIT_POLICY=passive
  OMP_PROC_BIND=false)

# basin_add_mpi_test(mpi/reduction): tests/mpi/reduction.cpp under mpiexec with four ranks, of one thread and of two, more
# than there are cores. Nothing where there is no MPI.
function(basin_add_mpi_test path)
  if(NOT MPI_CXX_FOUND)
    return()
  endif()
  list(GET BASIN_TEST_BACKENDS -1 backend)
  string(REPLACE "/" "_" name ${path})
  add_executable(test_${name} ${path}.cpp support/mpi_main.cpp)
  target_link_libraries(test_${name} PRIVATE basin_test_main basin::mpi)
  target_compile_definitions(test_${name} PRIVATE BASIN_TEST_EXEC=Kokkos::${backend})
  if(TARGET basin_test_headers)
    target_precompile_headers(test_${name} REUSE_FROM basin_test_headers)
  endif()
  basin_add_test_of_ranks(${path} $<TARGET_FILE:test_${name}>)
endfunction()

# basin_add_test_of_ranks(<name> <program> <flag>...): a program on four ranks, two of one thread and two of two.
function(basin_add_test_of_ranks name program)
  set(ranks "")
  foreach(threads IN ITEMS 1 2)
    list(APPEND ranks : ${MPIEXEC_NUMPROC_FLAG} 2 ${MPIEXEC_PREFLAGS} env OMP_NUM_THREADS=${threads} ${program} ${ARGN})
  endforeach()
  list(POP_FRONT ranks)
  add_test(NAME ${name} COMMAND ${MPIEXEC_EXECUTABLE} ${ranks})
  set_tests_properties(${name} PROPERTIES LABELS mpi TIMEOUT 300 PROCESSORS 2 ENVIRONMENT "${BASIN_MPI_ENVIRONMENT}")
endfunction()

# basin_add_refusal_test(energy_without_gradient): compile_fail/<name>.cpp must compile as it stands; with
# BASIN_EXPECT_REFUSAL it must be refused, with the text of each of its lines '// Expect: '.
function(basin_add_refusal_test name)
  set(source ${CMAKE_CURRENT_SOURCE_DIR}/compile_fail/${name}.cpp)
  foreach(kind accepted refused)
    add_library(${kind}_${name} OBJECT EXCLUDE_FROM_ALL ${source})
    target_link_libraries(${kind}_${name} PRIVATE basin::basin basin::data basin::io basin::run)
    if(TARGET basin_plain_headers)
      target_precompile_headers(${kind}_${name} REUSE_FROM basin_plain_headers)
    endif()
  endforeach()
  set_target_properties(accepted_${name} PROPERTIES EXCLUDE_FROM_ALL OFF)
  target_compile_definitions(refused_${name} PRIVATE BASIN_EXPECT_REFUSAL)
  add_test(NAME refused/${name}
    COMMAND ${CMAKE_COMMAND} -D SOURCE=${source} -D BUILD=${CMAKE_BINARY_DIR} -D TARGET=refused_${name}
            -P ${PROJECT_SOURCE_DIR}/cmake/ExpectRefusal.cmake)
  set_tests_properties(refused/${name} PROPERTIES RESOURCE_LOCK build_tree LABELS refusal)
endfunction()
