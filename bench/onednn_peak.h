#ifndef TWEEDIE_BENCH_ONEDNN_PEAK_H_
#define TWEEDIE_BENCH_ONEDNN_PEAK_H_

#include <vector>

namespace tweedie {

// A 3 x 3 convolution of one image, padded to its own size.
struct ConvolutionShape {
  int channels = 0;  // in and out
  int side = 0;
};

// What oneDNN reaches at best on it, in its own layouts: GFLOP/s of `threads`
// threads together, each with an image of its own, the best of `rounds` rounds of
// a tenth of a second or so.
double OnednnGflops(const ConvolutionShape& shape, int threads, int rounds);

// Shapes on which oneDNN is at its best, that of ddpm-cifar10-32's convolutions among
// them.
std::vector<ConvolutionShape> PeakShapes();

}  // namespace tweedie

#endif  // TWEEDIE_BENCH_ONEDNN_PEAK_H_
