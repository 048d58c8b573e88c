#include "client/cli/metrics_text.h"

#include <gtest/gtest.h>

namespace tweedie::cli {
namespace {

TEST(MetricsTableTest, IsEmptyWhereNothingWasMeasured) {
  EXPECT_EQ(MetricsTable({}), "");
  MetricsList metrics;
  metrics.Add();
  EXPECT_EQ(MetricsTable(metrics), "");
}

TEST(MetricsTableTest, HasARowAnImageAndTheMeans) {
  MetricsList metrics;
  metrics.Add()->set_psnr(20);
  metrics.Add()->set_psnr(25);
  metrics[0].set_ssim(0.5);
  metrics[1].set_ssim(0.75);
  EXPECT_EQ(MetricsTable(metrics),
            "IMAGE  PSNR/dB  SSIM\n"
            "0      20.00    0.5000\n"
            "1      25.00    0.7500\n"
            "mean   22.50    0.6250");
}

TEST(MetricsTableTest, MeansAreOfTheImagesThatHaveTheMetric) {
  MetricsList metrics;
  metrics.Add()->set_residual(0.125);
  metrics.Add()->set_lpips(0.25);
  metrics.Add()->set_residual(1234.5);
  EXPECT_EQ(MetricsTable(metrics),
            "IMAGE  LPIPS   RESIDUAL\n"
            "0      -       0.125\n"
            "1      0.2500  -\n"
            "2      -       1234\n"
            "mean   0.2500  617.3");
}

TEST(MetricsTableTest, OneImageNeedsNoMean) {
  MetricsList metrics;
  metrics.Add()->set_psnr(20.456);
  EXPECT_EQ(MetricsTable(metrics), "IMAGE  PSNR/dB\n0      20.46");
}

TEST(MeansTextTest, TellsMeansOfWhatIsMeasured) {
  MetricsList metrics;
  EXPECT_EQ(MeansText(metrics), "");
  metrics.Add()->set_residual(1);
  metrics.Add()->set_residual(1.4689);
  EXPECT_EQ(MeansText(metrics), "residual 1.23");
  metrics[0].set_psnr(20);
  metrics[1].set_psnr(22);
  EXPECT_EQ(MeansText(metrics), "PSNR 21.0 dB, residual 1.23");
}

}  // namespace
}  // namespace tweedie::cli
