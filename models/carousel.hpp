#pragma once
/// All of carousel: `#include <carousel/carousel.hpp>`.

#include <carousel/lib/checkpoint.hpp>
#include <carousel/lib/fit.hpp>
#include <carousel/lib/gradcheck.hpp>
#include <carousel/lib/init.hpp>
#include <carousel/lib/optimizer.hpp>
#include <carousel/lib/parameter.hpp>
#include <carousel/lib/random.hpp>
#include <carousel/lib/safetensors.hpp>
#include <carousel/lib/schedule.hpp>
#include <carousel/lib/tape.hpp>
#include <carousel/lib/tensor.hpp>
#include <carousel/models/check.hpp>
#include <carousel/models/embedding.hpp>
#include <carousel/models/gru.hpp>
#include <carousel/models/linear.hpp>
#include <carousel/models/loss.hpp>
#include <carousel/models/lstm.hpp>
#include <carousel/models/reference.hpp>
#include <carousel/models/rnn.hpp>
#include <carousel/models/scan.hpp>
#include <carousel/models/state.hpp>
#include <carousel/ops/elementwise.hpp>
#include <carousel/ops/matmul.hpp>
#include <carousel/ops/reduce.hpp>
#include <carousel/ops/shape.hpp>
