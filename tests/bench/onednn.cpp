#include <memory>
#include <random>
#include <unordered_map>

#include "bench.hpp"

#ifdef CAROUSEL_ONEDNN
#include <oneapi/dnnl/dnnl.hpp>

namespace bench {

namespace {

std::string description;

/// forward_training, then backward with the gradient of every output 1, as a loss Σ h gives; weights and activations lie in the
/// layouts that the primitive asks for, and the weights are reordered to them once a step, as training changes them.
struct LstmStep {
  using Memory = dnnl::memory;
  using Tag = Memory::format_tag;
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  std::vector<std::pair<dnnl::primitive, std::unordered_map<int, Memory>>> program;

  Memory::desc desc(Memory::dims dims, Tag tag) { return {dims, Memory::data_type::f32, tag}; }
  Memory make(const Memory::desc& d, float scale) {
    Memory m(d, engine);
    auto* data = static_cast<float*>(m.get_data_handle());
    std::mt19937 generator(1);
    std::normal_distribution<float> normal;
    for (std::size_t i = 0; i < d.get_size() / sizeof(float); ++i) data[i] = scale == 1 ? 1.0F : scale * normal(generator);
    return m;
  }
  void reorder(Memory& from, Memory& to) { program.push_back({dnnl::reorder(from, to), {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}}}); }

  explicit LstmStep(Size s) {
    const Memory::dim T = s.steps, B = s.batch, I = s.in, H = s.hidden;
    using D = dnnl::rnn_direction;
    const Memory::dims src{T, B, I}, state{1, 1, B, H}, wx{1, 1, I, 4, H}, wh{1, 1, H, 4, H}, b{1, 1, 4, H}, dst{T, B, H};
    dnnl::lstm_forward::desc forward_desc(dnnl::prop_kind::forward_training, D::unidirectional_left2right, desc(src, Tag::tnc),
                                          desc(state, Tag::ldnc), desc(state, Tag::ldnc), desc(wx, Tag::any), desc(wh, Tag::any),
                                          desc(b, Tag::ldgo), desc(dst, Tag::tnc), desc(state, Tag::ldnc), desc(state, Tag::ldnc));
    dnnl::lstm_forward::primitive_desc forward(forward_desc, engine);
    description = forward.impl_info_str();
    dnnl::lstm_backward::desc backward_desc(
        dnnl::prop_kind::backward, D::unidirectional_left2right, desc(src, Tag::tnc), desc(state, Tag::ldnc), desc(state, Tag::ldnc),
        desc(wx, Tag::any), desc(wh, Tag::any), desc(b, Tag::ldgo), desc(dst, Tag::tnc), desc(state, Tag::ldnc), desc(state, Tag::ldnc),
        desc(src, Tag::tnc), desc(state, Tag::ldnc), desc(state, Tag::ldnc), desc(wx, Tag::any), desc(wh, Tag::any), desc(b, Tag::ldgo),
        desc(dst, Tag::tnc), desc(state, Tag::ldnc), desc(state, Tag::ldnc));
    dnnl::lstm_backward::primitive_desc backward(backward_desc, engine, forward);

    Memory x = make(desc(src, Tag::tnc), 0.5F), h0 = make(desc(state, Tag::ldnc), 0), c0 = make(desc(state, Tag::ldnc), 0);
    Memory wx_user = make(desc(wx, Tag::ldigo), 0.1F), wh_user = make(desc(wh, Tag::ldigo), 0.1F), bias = make(desc(b, Tag::ldgo), 0);
    Memory out = make(desc(dst, Tag::tnc), 0), hn = make(desc(state, Tag::ldnc), 0), cn = make(desc(state, Tag::ldnc), 0);
    Memory workspace = make(forward.workspace_desc(), 0);
    Memory wx_forward = make(forward.weights_layer_desc(), 0), wh_forward = make(forward.weights_iter_desc(), 0);
    Memory wx_backward = make(backward.weights_layer_desc(), 0), wh_backward = make(backward.weights_iter_desc(), 0);
    Memory dx = make(desc(src, Tag::tnc), 0), dh0 = make(desc(state, Tag::ldnc), 0), dc0 = make(desc(state, Tag::ldnc), 0);
    Memory dwx = make(backward.diff_weights_layer_desc(), 0), dwh = make(backward.diff_weights_iter_desc(), 0), db = make(desc(b, Tag::ldgo), 0);
    Memory dout = make(desc(dst, Tag::tnc), 1), dhn = make(desc(state, Tag::ldnc), 0), dcn = make(desc(state, Tag::ldnc), 0);

    reorder(wx_user, wx_forward);
    reorder(wh_user, wh_forward);
    std::unordered_map<int, Memory> args{{DNNL_ARG_SRC_LAYER, x},  {DNNL_ARG_SRC_ITER, h0},  {DNNL_ARG_SRC_ITER_C, c0},
                                         {DNNL_ARG_BIAS, bias},    {DNNL_ARG_DST_LAYER, out}, {DNNL_ARG_DST_ITER, hn},
                                         {DNNL_ARG_DST_ITER_C, cn}, {DNNL_ARG_WORKSPACE, workspace}};
    auto forward_args = args;
    forward_args.insert({{DNNL_ARG_WEIGHTS_LAYER, wx_forward}, {DNNL_ARG_WEIGHTS_ITER, wh_forward}});
    program.push_back({dnnl::lstm_forward(forward), forward_args});
    reorder(wx_user, wx_backward);
    reorder(wh_user, wh_backward);
    args.insert({{DNNL_ARG_WEIGHTS_LAYER, wx_backward},
                 {DNNL_ARG_WEIGHTS_ITER, wh_backward},
                 {DNNL_ARG_DIFF_SRC_LAYER, dx},
                 {DNNL_ARG_DIFF_SRC_ITER, dh0},
                 {DNNL_ARG_DIFF_SRC_ITER_C, dc0},
                 {DNNL_ARG_DIFF_WEIGHTS_LAYER, dwx},
                 {DNNL_ARG_DIFF_WEIGHTS_ITER, dwh},
                 {DNNL_ARG_DIFF_BIAS, db},
                 {DNNL_ARG_DIFF_DST_LAYER, dout},
                 {DNNL_ARG_DIFF_DST_ITER, dhn},
                 {DNNL_ARG_DIFF_DST_ITER_C, dcn}});
    program.push_back({dnnl::lstm_backward(backward), args});
  }

  void run() {
    for (auto& [primitive, args] : program) primitive.execute(stream, args);
    stream.wait();
  }
};

}  // namespace

std::function<void()> onednn_lstm(Size size) {
  const auto step = std::make_shared<LstmStep>(size);
  return [step] { step->run(); };
}

std::string onednn_description() {
  return "oneDNN " + std::to_string(dnnl_version()->major) + "." + std::to_string(dnnl_version()->minor) + " " + description;
}

}  // namespace bench

#else

namespace bench {
std::function<void()> onednn_lstm(Size) {
  return {};
}
std::string onednn_description() {
  return "oneDNN not found (libdnnl-dev)";
}
}  // namespace bench

#endif
