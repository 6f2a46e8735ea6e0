// SPDX-License-Identifier: Apache-2.0
#include <basin/basin.hpp>
#include <basin/version.hpp>

#include <cstdio>

int main() { std::printf("basin %d.%d\n", BASIN_VERSION_MAJOR, BASIN_VERSION_MINOR); }
