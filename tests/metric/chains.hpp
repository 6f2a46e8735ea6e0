// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TESTS_METRIC_CHAINS_HPP
#define BASIN_TESTS_METRIC_CHAINS_HPP

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

// Written by chains.py: what ArviZ says of these chains.
namespace basin::test::reference {

/// Draw i of chain m is at [m * draws + i]. Every operation is rounded once, so that every language
/// has the same numbers: x' = memory x + u, u uniform on multiples of 2^-31, times 1 + widening m,
/// shifted by shift m, in steps of 'rounding' unless that is 0.
inline std::vector<double> chains(int chains, int draws, double memory, double shift,
                                  double rounding, double widening = 0) {
  std::vector<double> values;
  for (int m = 0; m < chains; ++m) {
    std::uint64_t state = static_cast<std::uint64_t>(m) + 1;
    double x            = 0;
    for (int i = -10; i < draws; ++i) {
      state          = state * 6364136223846793005u + 1442695040888963407u;
      double const u = static_cast<double>(state >> 33) / 2147483648.0 - 0.5;
      x              = memory * x;
      x              = x + u;
      double width   = widening * m;
      width          = 1 + width;
      double y       = width * x;
      double by      = shift * m;
      y              = by + y;
      if (rounding > 0) y = std::floor(y / rounding) * rounding;
      if (i >= 0) values.push_back(y);
    }
  }
  return values;
}

struct Case {
  char const* name;
  int chains, draws;
  double memory, shift, rounding, widening;
  double effective_sample_size, bulk, tail, r_hat, split_r_hat;
  double error_of_mean, error_of_standard_deviation;
  double error_of_5_percent, error_of_median, error_of_95_percent;
};

inline std::vector<Case> const cases = {
    {"of little memory", 4, 100, 0.3, 0.0, 0.0, 0.0, 182.08275067471536, 176.6412115971837,
     239.2611354158669, 1.0050368802282619, 1.0045610194444923, 0.023227128457596627,
     0.008745695961613972, 0.014885970781590457, 0.03337270541060397, 0.0200100770994443},
    {"of an odd number of draws", 4, 101, 0.7, 0.0, 0.0, 0.0, 74.9360597079047, 74.02682414518904,
     151.74062795305113, 1.0355006779615559, 1.0339070740921836, 0.050424222208344804,
     0.0243750727431373, 0.056431396665417244, 0.059733627628803854, 0.048687359599734525},
    {"apart", 6, 60, 0.5, 0.25, 0.0, 0.0, 10.43387613843117, 10.682092907226371, 65.77028076989691,
     1.726461136808019, 1.768615772242479, 0.1789359740672201, 0.06621337063800817,
     0.08743004944112394, 0.2171734910317411, 0.0931691918073625},
    {"with ties", 5, 80, 0.6, 0.0, 0.25, 0.0, 92.84746834087565, 92.49998175179893,
     140.48131715678608, 1.0383974713895183, 1.0384317836157309, 0.04074401940964674,
     0.015693978473362395, 0.0, 0.0, 0.0},
    {"that alternate", 3, 64, -0.8, 0.0, 0.0, 0.0, 438.39383591108157, 438.39383591108157,
     153.44974400887605, 0.9878623610643674, 0.9871320927115267, 0.020286382125665574,
     0.02972074540767556, 0.11106368668153993, 0.026180494148507316, 0.041911038513604226},
    {"that hardly move", 4, 40, 0.98, 0.0, 0.0, 0.0, 11.443346261524388, 11.914619841290538,
     29.363963922449916, 1.3052098914976487, 1.3184339463247519, 0.24814662811612198,
     0.14203253824163803, 0.6811981701598575, 0.21992057337866622, 0.0904828269395257},
    {"of six draws", 3, 6, 0.0, 0.0, 0.0, 0.0, 22.594905091859506, 22.594905091859506,
     22.594905091859506, 1.0509461720002644, 1.0667728003947192, 0.04989534638537166,
     0.02285307729773767, 0.02927936613559723, 0.10656464332714677, 0.05623153876513243},
    {"of many short chains", 64, 8, 0.4, 0.0, 0.0, 0.0, 1387.1462200196254, 1387.1462200196254,
     1387.1462200196254, 1.1460657403761307, 1.132564939282899, 0.008380404990197344,
     0.0043719502472362925, 0.020591956198041605, 0.01906870087858218, 0.01247982311584922},
    {"whose last even lag is negative", 2, 14, 0.0, 0.25, 0.0, 0.0, 23.16628888705053,
     21.82707117480947, 39.595959595959584, 1.0691323789147293, 1.0586677241498952,
     0.05587109450028333, 0.032954098347737756, 0.047511425567790866, 0.13321918598376215,
     0.1900664484128356},
    {"of other widths", 4, 60, 0.3, 0.0, 0.0, 0.75, 102.05586546964942, 103.62623225851628,
     156.59682135698165, 1.1640673818498433, 1.012536308502311, 0.0708306079250164,
     0.08977843094108835, 0.13534617538001825, 0.07495484576010739, 0.09687694613663589},
};

// chains(12, 10, 0.5, 0.02, 0), three superchains of four; of the first draw of each alone
inline constexpr double nested_r_hat             = 1.0239083357230103;
inline constexpr double rank_nested_r_hat        = 1.02392203503572;
inline constexpr double nested_r_hat_of_one_draw = 1.2896573929132686;
// of the first two chains as energies
inline std::vector<double> const bfmi = {1.9558547635321704, 0.7164377039286076};

}  // namespace basin::test::reference

#endif
