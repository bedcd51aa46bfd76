#pragma once
/// The rows of the benchmark. Each prints its tables and adds to the results.

#include "compare.hpp"

namespace bench {

void train_lstm(Session& session);
void train_cells(Session& session);

}  // namespace bench
