# SPDX-License-Identifier: Apache-2.0
# cmake -D SOURCE=<file> -D BUILD=<tree> -D TARGET=<name> -P ExpectRefusal.cmake: TARGET must not compile, the compiler must
# print the text of each of SOURCE's lines '// Expect: ', and what a user sees must be short: the first error is one of
# these texts, among the first 20 lines of at most 50.
set(last_line_of_sentence 20)
set(most_lines 50)

# Lines as a list, without what CMake takes for parts of lists.
function(lines_of variable text)
  string(REPLACE ";" "," text "${text}")
  string(REPLACE "[" "(" text "${text}")
  string(REPLACE "]" ")" text "${text}")
  string(REPLACE "\n" ";" text "${text}")
  set(${variable} "${text}" PARENT_SCOPE)
endfunction()

# Expectations stand alone in the comment before the first #include: one that is torn would not be looked for.
file(READ ${SOURCE} text)
lines_of(source "${text}")
set(expectations "")
foreach(line IN LISTS source)
  if(line MATCHES "^// Expect: (.+)$")
    list(APPEND expectations "${CMAKE_MATCH_1}")
  elseif(line MATCHES "^//" AND NOT line MATCHES "^// SPDX-")
    message(FATAL_ERROR "${SOURCE}: no expectation, and so not looked for, is\n  ${line}\nwrite each '// Expect: ' in one line")
  elseif(NOT line MATCHES "^//")
    break()
  endif()
endforeach()
if(expectations STREQUAL "")
  message(FATAL_ERROR "${SOURCE} has no line '// Expect: '")
endif()

execute_process(COMMAND ${CMAKE_COMMAND} --build ${BUILD} --target ${TARGET}
  RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(status EQUAL 0)
  message(FATAL_ERROR "${SOURCE} compiles with BASIN_EXPECT_REFUSAL")
endif()

# What the compiler says, without Ninja's lines and the command.
string(REGEX REPLACE "^.*\nFAILED: [^\n]*\n[^\n]*\n" "" said "${output}")
string(REGEX REPLACE "\nninja: .*$" "" said "${said}")
lines_of(said "${said}")
set(number 0)
set(first_error "")
foreach(line IN LISTS said)
  math(EXPR number "${number} + 1")
  if(first_error STREQUAL "" AND line MATCHES "error: (.*)")
    set(first_error "${CMAKE_MATCH_1}")
    set(at ${number})
  endif()
endforeach()

set(is_first FALSE)
foreach(text IN LISTS expectations)
  string(FIND "${said}" "${text}" found)
  if(found EQUAL -1)
    message(FATAL_ERROR "the compiler did not say\n  ${text}\nbut\n${output}")
  endif()
  string(FIND "${first_error}" "${text}" found)
  if(NOT found EQUAL -1)
    set(is_first TRUE)
  endif()
endforeach()
if(NOT is_first)
  message(FATAL_ERROR "the compiler's first error is no expectation but\n  ${first_error}\nof\n${output}")
endif()
message(STATUS "the sentence is line ${at} of ${number}")
if(at GREATER last_line_of_sentence OR number GREATER most_lines)
  message(FATAL_ERROR
    "the sentence shall be among the first ${last_line_of_sentence} lines of at most ${most_lines}:\n${output}")
endif()
