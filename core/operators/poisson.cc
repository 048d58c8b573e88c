#include "core/operators/poisson.h"

#include <cmath>

#include "core/noise/exact_math.h"

namespace tweedie {
namespace {

constexpr double kRejectionFrom = 10;
constexpr double kNormalFrom = 2147483648.0;

// The least k whose distribution function is at least u.
double ByInversion(double mean, double u) {
  double k = 0;
  double probability = exact::Exp(-mean);
  double sum = probability;
  while (u > sum) {
    k += 1;
    probability = probability * mean / k;
    if (sum + probability == sum) break;  // u lies above all that doubles tell apart
    sum += probability;
  }
  return k;
}

// log(e^-mean mean^k / k!), by Stirling's series for k of 16 and more.
double LogProbability(double k, double mean) {
  if (k < 16) {
    double factorial = 1;
    for (double i = 2; i <= k; ++i) factorial *= i;
    return k * exact::Log(mean) - mean - exact::Log(factorial);
  }
  constexpr double kHalfLogTwoPi = 0.9189385332046727;
  const double k2 = k * k;
  const double series = (1.0 / 12 - (1.0 / 360 - 1.0 / (1260 * k2)) / k2) / k;
  return k * exact::Log(mean / k) + (k - mean) - 0.5 * exact::Log(k) - kHalfLogTwoPi - series;
}

double ByRejection(double mean, Uniforms* uniforms) {
  const double b = 0.931 + 2.53 * std::sqrt(mean);
  const double a = -0.059 + 0.02483 * b;
  const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
  const double v_r = 0.9277 - 3.6224 / (b - 2);
  while (true) {
    const double u = uniforms->Next() - 0.5;
    const double v = uniforms->Next();
    const double us = 0.5 - std::fabs(u);
    const double k = std::floor((2 * a / us + b) * u + mean + 0.43);
    if (us >= 0.07 && v <= v_r) return k;
    if (k < 0 || (us < 0.013 && v > us)) continue;
    if (exact::Log(v * inverse_alpha / (a / (us * us) + b)) <= LogProbability(k, mean)) return k;
  }
}

// A standard normal by the polar method (Marsaglia and Bray, 1964).
double DrawNormal(Uniforms* uniforms) {
  while (true) {
    const double x = 2 * uniforms->Next() - 1;
    const double y = 2 * uniforms->Next() - 1;
    const double s = x * x + y * y;
    if (s > 0 && s < 1) return x * std::sqrt(-2 * exact::Log(s) / s);
  }
}

}  // namespace

double DrawPoisson(double mean, Uniforms* uniforms) {
  if (mean < kRejectionFrom) return ByInversion(mean, uniforms->Next());
  if (mean < kNormalFrom) return ByRejection(mean, uniforms);
  return mean + std::sqrt(mean) * DrawNormal(uniforms);
}

}  // namespace tweedie
