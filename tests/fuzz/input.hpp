// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_FUZZ_INPUT_HPP
#define TESTS_FUZZ_INPUT_HPP

#include <Kokkos_Core.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fuzzer/FuzzedDataProvider.h>
#include <stdexcept>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

namespace basin::test {

/// A file of these bytes in memory, which has a path.
class MemoryFile {
 public:
  explicit MemoryFile(std::string const& bytes) : file_(::memfd_create("input", MFD_CLOEXEC)) {
    if (file_ < 0 || ::write(file_, bytes.data(), bytes.size()) != ::ssize_t(bytes.size()))
      std::abort();
  }
  MemoryFile(MemoryFile const&)            = delete;
  MemoryFile& operator=(MemoryFile const&) = delete;
  ~MemoryFile() { ::close(file_); }
  std::string path() const { return "/proc/self/fd/" + std::to_string(file_); }

 private:
  int file_;
};

/// Runs work, a reader and what is done with its result: it may refuse with a sentence, as a
/// std::runtime_error or std::invalid_argument, and nothing else.
template <class Work>
void read_or_refuse(Work const& work) {
  try {
    work();
  } catch (std::runtime_error const&) {
  } catch (std::invalid_argument const&) {
  }
}

/// Ends the program, and so the search, where a law does not hold.
inline void require(bool holds, char const* law) {
  if (holds) return;
  std::fprintf(stderr, "%s\n", law);
  std::abort();
}

}  // namespace basin::test

// A program of the search is one unit, and includes this once.
extern "C" int LLVMFuzzerInitialize(int*, char***) {
  Kokkos::initialize(
      Kokkos::InitializationSettings().set_num_threads(1).set_disable_warnings(true));
  std::atexit(Kokkos::finalize);
  return 0;
}

#endif
