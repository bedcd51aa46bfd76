#pragma once
/// The one door to what releases of oneDNN do differently: oneDNN 2 describes a primitive by a `desc`, which oneDNN 3 does not
/// have.

#include <oneapi/dnnl/dnnl.hpp>

namespace bench {

/// An LSTM that reads a sequence from its first step to its last. descs: its memory, in the order of oneDNN's documentation.
template <class Forward = dnnl::lstm_forward, class... Descs>
typename Forward::primitive_desc describe_forward(const dnnl::engine& engine, dnnl::prop_kind kind, const Descs&... descs) {
  constexpr auto direction = dnnl::rnn_direction::unidirectional_left2right;
  if constexpr (requires { typename Forward::desc; })
    return {typename Forward::desc(kind, direction, descs...), engine};
  else
    return {engine, kind, direction, descs...};
}

/// The backward pass of that LSTM. descs: its memory, then its gradients, in the same order.
template <class Backward = dnnl::lstm_backward, class... Descs>
typename Backward::primitive_desc describe_backward(const dnnl::engine& engine, const dnnl::lstm_forward::primitive_desc& forward,
                                                    const Descs&... descs) {
  constexpr auto kind = dnnl::prop_kind::backward;
  constexpr auto direction = dnnl::rnn_direction::unidirectional_left2right;
  if constexpr (requires { typename Backward::desc; })
    return {typename Backward::desc(kind, direction, descs...), engine, forward};
  else
    return {engine, kind, direction, descs..., forward};
}

}  // namespace bench
