#include <carousel/models/cells/gru.hpp>
#include <carousel/models/cells/lstm.hpp>
#include <carousel/models/cells/rnn.hpp>

namespace carousel {

template struct Lstm<float>;
template struct Lstm<double>;
template struct LstmLinear<float>;
template struct LstmLinear<double>;
template struct Lstm1997<float>;
template struct Lstm1997<double>;
template struct LstmPeephole<float>;
template struct LstmPeephole<double>;
template struct LstmCoupled<float>;
template struct LstmCoupled<double>;
template struct Gru<float>;
template struct Gru<double>;
template struct GruResetBefore<float>;
template struct GruResetBefore<double>;
template struct Rnn<float, Nonlinearity::tanh>;
template struct Rnn<double, Nonlinearity::tanh>;
template struct Rnn<float, Nonlinearity::relu>;
template struct Rnn<double, Nonlinearity::relu>;
template struct RnnLearnedStart<float>;
template struct RnnLearnedStart<double>;

}  // namespace carousel
