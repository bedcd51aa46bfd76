/// oneDNN's LSTM primitive in the benchmark.

#include <cstring>
#include <unordered_map>

#include "../job.hpp"
#include "primitive.hpp"

namespace bench {

namespace {

using Memory = dnnl::memory;
using Tag = Memory::format_tag;
using Arguments = std::unordered_map<int, Memory>;

/// An LSTM over a sequence from a state of zeros, [steps, batch, features]. Weights and what is made of them lie in the layouts
/// that the primitive asks for ("any"), which is how oneDNN is fastest.
class Sequence {
 public:
  explicit Sequence(Size size)
      : size_(size),
        xs_{size.steps, size.batch, size.in},
        hs_{size.steps, size.batch, size.hidden},
        state_{1, 1, size.batch, size.hidden},
        wx_{1, 1, size.in, 4, size.hidden},
        wh_{1, 1, size.hidden, 4, size.hidden},
        b_{1, 1, 4, size.hidden} {}

 protected:
  static Memory::desc desc(const Memory::dims& dims, Tag tag) { return {dims, Memory::data_type::f32, tag}; }
  Memory make(const Memory::desc& d) {
    Memory memory(d, engine_);
    std::memset(memory.get_data_handle(), 0, d.get_size());
    return memory;
  }
  Memory make(const Memory::desc& d, unsigned array, float scale) {
    Memory memory = make(d);
    fill(static_cast<float*>(memory.get_data_handle()), d.get_size() / sizeof(float), array, scale);
    return memory;
  }
  Memory parameter(const Memory::dims& dims, Tag tag, unsigned array) {
    return make(desc(dims, tag), array, parameter_scale(size_));
  }

  dnnl::lstm_forward::primitive_desc forward(dnnl::prop_kind kind) {
    return describe_forward(engine_, kind, desc(xs_, Tag::tnc), desc(state_, Tag::ldnc), desc(state_, Tag::ldnc),
                            desc(wx_, Tag::any), desc(wh_, Tag::any), desc(b_, Tag::ldgo), desc(hs_, Tag::tnc),
                            desc(state_, Tag::ldnc), desc(state_, Tag::ldnc));
  }
  Arguments arguments() {
    return {{DNNL_ARG_SRC_LAYER, make(desc(xs_, Tag::tnc), input_array, 1)},
            {DNNL_ARG_SRC_ITER, make(desc(state_, Tag::ldnc))},
            {DNNL_ARG_SRC_ITER_C, make(desc(state_, Tag::ldnc))},
            {DNNL_ARG_BIAS, parameter(b_, Tag::ldgo, 2)},
            {DNNL_ARG_DST_LAYER, hs_memory_ = make(desc(hs_, Tag::tnc))},
            {DNNL_ARG_DST_ITER, make(desc(state_, Tag::ldnc))},
            {DNNL_ARG_DST_ITER_C, make(desc(state_, Tag::ldnc))}};
  }
  double sum_of_outputs() const {
    return sum(static_cast<const float*>(hs_memory_.get_data_handle()), hs_memory_.get_desc().get_size() / sizeof(float));
  }
  static double squares(const Memory& memory) {
    return sum_of_squares(static_cast<const float*>(memory.get_data_handle()), memory.get_desc().get_size() / sizeof(float));
  }

  Size size_;
  Memory::dims xs_, hs_, state_, wx_, wh_, b_;
  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  Memory hs_memory_;
};

/// forward_training, then backward with the gradient of every output 1, as a loss Σh gives. The weights are reordered once a
/// step, as training changes them. The gradients of weights are added to what is there, so that this has to be set to zero.
class TrainingStep : Sequence {
 public:
  explicit TrainingStep(Size size) : Sequence(size) {
    const auto forward = this->forward(dnnl::prop_kind::forward_training);
    const auto backward = describe_backward(
        engine_, forward, desc(xs_, Tag::tnc), desc(state_, Tag::ldnc), desc(state_, Tag::ldnc), desc(wx_, Tag::any),
        desc(wh_, Tag::any), desc(b_, Tag::ldgo), desc(hs_, Tag::tnc), desc(state_, Tag::ldnc), desc(state_, Tag::ldnc),
        desc(xs_, Tag::tnc), desc(state_, Tag::ldnc), desc(state_, Tag::ldnc), desc(wx_, Tag::any), desc(wh_, Tag::any),
        desc(b_, Tag::ldgo), desc(hs_, Tag::tnc), desc(state_, Tag::ldnc), desc(state_, Tag::ldnc));

    Memory wx = parameter(wx_, Tag::ldigo, 0), wh = parameter(wh_, Tag::ldigo, 1);
    const Memory wx_forward = make(forward.weights_layer_desc()), wh_forward = make(forward.weights_iter_desc());
    const Memory wx_backward = make(backward.weights_layer_desc()), wh_backward = make(backward.weights_iter_desc());
    Arguments given = arguments();
    given.insert({DNNL_ARG_WORKSPACE, make(forward.workspace_desc())});

    reorder(wx, wx_forward);
    reorder(wh, wh_forward);
    Arguments arguments = given;
    arguments.insert({{DNNL_ARG_WEIGHTS_LAYER, wx_forward}, {DNNL_ARG_WEIGHTS_ITER, wh_forward}});
    program_.push_back({dnnl::lstm_forward(forward), arguments});

    reorder(wx, wx_backward);
    reorder(wh, wh_backward);
    Memory dhs = make(desc(hs_, Tag::tnc));
    std::fill_n(static_cast<float*>(dhs.get_data_handle()), dhs.get_desc().get_size() / sizeof(float), 1.0F);
    dx_ = make(desc(xs_, Tag::tnc));
    gradients_ = {make(backward.diff_weights_layer_desc()), make(backward.diff_weights_iter_desc()), make(desc(b_, Tag::ldgo))};
    arguments = given;
    arguments.insert({{DNNL_ARG_WEIGHTS_LAYER, wx_backward},
                      {DNNL_ARG_WEIGHTS_ITER, wh_backward},
                      {DNNL_ARG_DIFF_SRC_LAYER, dx_},
                      {DNNL_ARG_DIFF_SRC_ITER, make(desc(state_, Tag::ldnc))},
                      {DNNL_ARG_DIFF_SRC_ITER_C, make(desc(state_, Tag::ldnc))},
                      {DNNL_ARG_DIFF_WEIGHTS_LAYER, gradients_[0]},
                      {DNNL_ARG_DIFF_WEIGHTS_ITER, gradients_[1]},
                      {DNNL_ARG_DIFF_BIAS, gradients_[2]},
                      {DNNL_ARG_DIFF_DST_LAYER, dhs},
                      {DNNL_ARG_DIFF_DST_ITER, make(desc(state_, Tag::ldnc))},
                      {DNNL_ARG_DIFF_DST_ITER_C, make(desc(state_, Tag::ldnc))}});
    program_.push_back({dnnl::lstm_backward(backward), arguments});
  }

  void run() {
    for (const Memory& gradient : gradients_) std::memset(gradient.get_data_handle(), 0, gradient.get_desc().get_size());
    for (auto& [primitive, arguments] : program_) primitive.execute(stream_, arguments);
    stream_.wait();
  }

  std::vector<double> result() const {
    double parameters = 0;
    for (const Memory& gradient : gradients_) parameters += squares(gradient);
    return {sum_of_outputs(), std::sqrt(squares(dx_)), std::sqrt(parameters)};
  }

 private:
  void reorder(Memory& from, Memory to) {
    program_.push_back({dnnl::reorder(from, to), {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}}});
  }

  std::vector<std::pair<dnnl::primitive, Arguments>> program_;
  Memory dx_;
  std::vector<Memory> gradients_;
};

/// forward_inference, the weights reordered once for all.
class Inference : Sequence {
 public:
  explicit Inference(Size size) : Sequence(size) {
    const auto forward = this->forward(dnnl::prop_kind::forward_inference);
    arguments_ = arguments();
    arguments_.insert({{DNNL_ARG_WEIGHTS_LAYER, reordered(parameter(wx_, Tag::ldigo, 0), forward.weights_layer_desc())},
                       {DNNL_ARG_WEIGHTS_ITER, reordered(parameter(wh_, Tag::ldigo, 1), forward.weights_iter_desc())}});
    primitive_ = dnnl::lstm_forward(forward);
  }
  void run() {
    primitive_.execute(stream_, arguments_);
    stream_.wait();
  }
  std::vector<double> result() const { return {sum_of_outputs()}; }

 private:
  Memory reordered(Memory from, const Memory::desc& layout) {
    Memory to = make(layout);
    dnnl::reorder(from, to).execute(stream_, from, to);
    stream_.wait();
    return to;
  }

  dnnl::primitive primitive_;
  Arguments arguments_;
};

/// A product of matrices.
Job product(Size size) {
  const dnnl_dim_t m = size.batch, k = size.in, n = size.hidden;
  const auto matrix = [](dnnl_dim_t count) {
    return std::make_shared<std::vector<float>>(static_cast<std::size_t>(count), 0.5F);
  };
  return {[=, a = matrix(m * k), b = matrix(k * n), c = matrix(m * n)] {
    dnnl_sgemm('N', 'N', m, n, k, 1, a->data(), k, b->data(), n, 0, c->data(), n);
  }};
}

std::string description() {
  struct Named : Sequence {
    Named() : Sequence({50, 50, 64, 128}) {}
    std::string of(dnnl::prop_kind kind) { return forward(kind).impl_info_str(); }
  };
  const dnnl_version_t& version = *dnnl_version();
  return "oneDNN " + std::to_string(version.major) + "." + std::to_string(version.minor) + "." + std::to_string(version.patch) +
         ", LSTM by " + Named().of(dnnl::prop_kind::forward_training) + " in training, by " +
         Named().of(dnnl::prop_kind::forward_inference) + " in inference";
}

}  // namespace

}  // namespace bench

int main() {
  using namespace bench;
  return serve(description(),
               {{"train-lstm", job<TrainingStep, Size>}, {"sequence-lstm", job<Inference, Size>}, {"gemm", product}});
}
