# SPDX-License-Identifier: Apache-2.0
# cmake -D SOURCE=<file> -D BUILD=<tree> -D TARGET=<name> -P ExpectRefusal.cmake: TARGET must not compile, and the
# compiler must print the text of each of SOURCE's lines '// Expect: '.
file(STRINGS ${SOURCE} lines REGEX "^// Expect: ")
if(NOT lines)
  message(FATAL_ERROR "${SOURCE} has no line '// Expect: '")
endif()
execute_process(COMMAND ${CMAKE_COMMAND} --build ${BUILD} --target ${TARGET}
  RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(status EQUAL 0)
  message(FATAL_ERROR "${SOURCE} compiles with BASIN_EXPECT_REFUSAL")
endif()
foreach(line IN LISTS lines)
  string(REGEX REPLACE "^// Expect: " "" text "${line}")
  string(FIND "${output}" "${text}" at)
  if(at EQUAL -1)
    message(FATAL_ERROR "the compiler did not say\n  ${text}\nbut\n${output}")
  endif()
endforeach()
