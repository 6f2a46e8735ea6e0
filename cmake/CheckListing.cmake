# SPDX-License-Identifier: Apache-2.0
# cmake -D PAGE=<markdown> -D SOURCE=<file> -P CheckListing.cmake: PAGE must show SOURCE, from its first #include on,
# word for word.
file(READ ${SOURCE} source)
string(FIND "${source}" "#include" at)
string(SUBSTRING "${source}" ${at} -1 listing)
file(READ ${PAGE} page)
string(FIND "${page}" "```cpp\n${listing}```" at)
if(at EQUAL -1)
  message(FATAL_ERROR "${PAGE} does not show ${SOURCE} as it is")
endif()
