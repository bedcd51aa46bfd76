#pragma once
/// The rows of the benchmark. Each prints its tables and adds to the results.

#include "compare.hpp"

namespace bench {

/// The sizes at which training is measured.
inline constexpr Size training_sizes[] = {{5, 1, 50, 100},   {50, 16, 10, 64},    {28, 64, 28, 128},
                                          {50, 50, 65, 128}, {100, 32, 128, 256}, {100, 64, 256, 512}};

void train_lstm(Session& session);
void train_cells(Session& session);
void inference(Session& session);
void tape(Session& session);
void tasks(Session& session);
void growth(Session& session);
void elementwise(Session& session);

}  // namespace bench
