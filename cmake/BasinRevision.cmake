# SPDX-License-Identifier: Apache-2.0
# basin_add_revision(<target>): links the revision of the program's sources, 'git describe --always --dirty' of its
# folder, to a program: run.json of basin::run::fit names it. Asked at each build.
set(BASIN_REVISION_SCRIPT ${CMAKE_CURRENT_LIST_FILE})
if(CMAKE_SCRIPT_MODE_FILE)  # cmake -D FOLDER=... -D FILE=... -P BasinRevision.cmake
  cmake_minimum_required(VERSION 3.25)
  set(revision unknown)
  find_program(git git)
  if(git)
    execute_process(COMMAND ${git} describe --always --dirty WORKING_DIRECTORY ${FOLDER} OUTPUT_VARIABLE found
      OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    if(found)
      set(revision ${found})
    endif()
  endif()
  file(CONFIGURE OUTPUT ${FILE}
    CONTENT "extern \"C\" char const* basin_program_revision();\nchar const* basin_program_revision() { return \"@revision@\"; }\n" @ONLY)
  return()
endif()

function(basin_add_revision target)
  set(file ${CMAKE_CURRENT_BINARY_DIR}/revision.cpp)
  if(NOT TARGET basin_revision_of_${PROJECT_NAME})
    add_custom_target(basin_revision_of_${PROJECT_NAME} BYPRODUCTS ${file} COMMENT "Asks git for the revision"
      COMMAND ${CMAKE_COMMAND} -D FOLDER=${CMAKE_CURRENT_SOURCE_DIR} -D FILE=${file} -P ${BASIN_REVISION_SCRIPT})
    add_library(basin_revision_object_of_${PROJECT_NAME} OBJECT ${file})
    add_dependencies(basin_revision_object_of_${PROJECT_NAME} basin_revision_of_${PROJECT_NAME})
  endif()
  target_link_libraries(${target} PRIVATE basin_revision_object_of_${PROJECT_NAME})
endfunction()
