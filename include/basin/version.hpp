// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_VERSION_HPP
#define BASIN_VERSION_HPP

/// The version of these headers; CMakeLists.txt reads it from here.
#define BASIN_VERSION_MAJOR 0
#define BASIN_VERSION_MINOR 1
#define BASIN_VERSION_PATCH 0

#endif
