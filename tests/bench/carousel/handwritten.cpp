/// The two statements of an LSTM as a loop by hand, without anything of carousel: what fused statements are measured against.

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "../job.hpp"

namespace bench {

namespace {

// A register of floats. `exp_parts` gives e^x − 1 = 2^k p + (2^k − 1) as p and 2^k, to 2 units in the last place.

#if defined(__AVX512F__)
constexpr std::ptrdiff_t width = 16;
using Lanes = __m512;
Lanes all(float x) {
  return _mm512_set1_ps(x);
}
Lanes load(const float* from) {
  return _mm512_loadu_ps(from);
}
void store(float* to, Lanes x) {
  _mm512_storeu_ps(to, x);
}
Lanes fma(Lanes a, Lanes b, Lanes c) {
  return _mm512_fmadd_ps(a, b, c);
}
Lanes round(Lanes x) {
  return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
Lanes power_of_two(Lanes k) {
  return _mm512_scalef_ps(all(1), k);
}
Lanes least(Lanes a, Lanes b) {
  return _mm512_min_ps(a, b);
}
Lanes greatest(Lanes a, Lanes b) {
  return _mm512_max_ps(a, b);
}
Lanes magnitude(Lanes x) {
  return _mm512_abs_ps(x);
}
Lanes with_sign_of(Lanes x, Lanes sign) {
  return _mm512_or_ps(x, _mm512_and_ps(sign, all(-0.0F)));
}
#elif defined(__AVX2__) && defined(__FMA__)
constexpr std::ptrdiff_t width = 8;
using Lanes = __m256;
Lanes all(float x) {
  return _mm256_set1_ps(x);
}
Lanes load(const float* from) {
  return _mm256_loadu_ps(from);
}
void store(float* to, Lanes x) {
  _mm256_storeu_ps(to, x);
}
Lanes fma(Lanes a, Lanes b, Lanes c) {
  return _mm256_fmadd_ps(a, b, c);
}
Lanes round(Lanes x) {
  return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
Lanes power_of_two(Lanes k) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(k), _mm256_set1_epi32(127)), 23));
}
Lanes least(Lanes a, Lanes b) {
  return _mm256_min_ps(a, b);
}
Lanes greatest(Lanes a, Lanes b) {
  return _mm256_max_ps(a, b);
}
Lanes magnitude(Lanes x) {
  return _mm256_andnot_ps(all(-0.0F), x);
}
Lanes with_sign_of(Lanes x, Lanes sign) {
  return _mm256_or_ps(x, _mm256_and_ps(sign, all(-0.0F)));
}
#else
constexpr std::ptrdiff_t width = 1;
using Lanes = float;
Lanes all(float x) {
  return x;
}
Lanes load(const float* from) {
  return *from;
}
void store(float* to, Lanes x) {
  *to = x;
}
Lanes fma(Lanes a, Lanes b, Lanes c) {
  return a * b + c;
}
Lanes round(Lanes x) {
  return std::nearbyint(x);
}
Lanes power_of_two(Lanes k) {
  return std::ldexp(1.0F, static_cast<int>(k));
}
Lanes least(Lanes a, Lanes b) {
  return std::min(a, b);
}
Lanes greatest(Lanes a, Lanes b) {
  return std::max(a, b);
}
Lanes magnitude(Lanes x) {
  return std::abs(x);
}
Lanes with_sign_of(Lanes x, Lanes sign) {
  return std::copysign(x, sign);
}
#endif

struct Exp {
  Lanes p, power;
};
Exp exp_parts(Lanes x) {
  const Lanes k = round(x * all(1.44269504F));
  const Lanes r = fma(k, all(2.12194440e-4F), fma(k, all(-0.693359375F), x));
  Lanes q = all(1.0F / 5040);
  for (const float factor : {1.0F / 720, 1.0F / 120, 1.0F / 24, 1.0F / 6, 0.5F}) q = fma(q, r, all(factor));
  return {fma(q, r * r, r), power_of_two(k)};
}
Lanes sigmoid(Lanes x) {
  const auto [p, power] = exp_parts(least(greatest(all(0) - x, all(-87)), all(87)));
  return all(1) / (all(1) + fma(p, power, power));
}
Lanes tanh(Lanes x) {
  const Lanes a = magnitude(x);
  const auto [p, power] = exp_parts(least(a + a, all(20)));
  const Lanes e = fma(p, power, power - all(1));
  return with_sign_of(e / (e + all(2)), x);
}

/// A register of each gate.
struct Gates {
  Lanes i, f, g, o;
};

/// The loops over a sequence. With `keep` the gates and tanh(c) are kept for the way back, which costs memory for five more
/// arrays and saves the functions there; without, nothing but c and h, as carousel does it.
template <bool keep>
class Loops {
 public:
  explicit Loops(Size size)
      : steps_(size.steps),
        batch_(size.batch),
        hidden_(size.hidden),
        count_(batch_ * hidden_),
        z_(of(4 * steps_ * count_)),
        dz_(z_.size()),
        gates_(keep ? z_.size() : 0),
        c_(of((steps_ + 1) * count_)),
        h_(of(steps_ * count_)),
        tanh_c_(keep ? h_.size() : 0),
        dh_(h_.size()),
        dc_(of(count_)) {
    fill(z_.data(), z_.size(), 0, 2);
  }

  void run() {
    for (std::ptrdiff_t t = 0; t < steps_; ++t) forward(t);
    loss_ = 0;  // Σh, whose gradient is 1
    for (std::ptrdiff_t t = 0; t < steps_; ++t) loss_ += sum(h_.data() + t * count_, of(count_));
    std::fill(dh_.begin(), dh_.end(), 1.0F);
    std::fill(dc_.begin(), dc_.end(), 0.0F);
    for (std::ptrdiff_t t = steps_; t-- > 0;) backward(t);
  }
  std::vector<double> result() const { return {loss_, std::sqrt(sum_of_squares(dz_.data(), dz_.size()))}; }

 private:
  static std::size_t of(std::ptrdiff_t count) { return static_cast<std::size_t>(count); }

  Gates gates_of(const float* z) const {
    return {sigmoid(load(z)), sigmoid(load(z + hidden_)), tanh(load(z + 2 * hidden_)), sigmoid(load(z + 3 * hidden_))};
  }
  static void put(float* to, std::ptrdiff_t hidden, Gates v) {
    store(to, v.i);
    store(to + hidden, v.f);
    store(to + 2 * hidden, v.g);
    store(to + 3 * hidden, v.o);
  }

  void forward(std::ptrdiff_t t) {
    for (std::ptrdiff_t row = t * batch_; row < (t + 1) * batch_; ++row)
      for (std::ptrdiff_t j = 0; j < hidden_; j += width) {
        const std::ptrdiff_t at = row * hidden_ + j, at_z = row * 4 * hidden_ + j;
        const Gates v = gates_of(&z_[of(at_z)]);
        const Lanes c = fma(v.f, load(&c_[of(at)]), v.i * v.g), tanh_c = tanh(c);
        store(&c_[of(at + count_)], c);
        store(&h_[of(at)], v.o * tanh_c);
        if constexpr (keep) {
          put(&gates_[of(at_z)], hidden_, v);
          store(&tanh_c_[of(at)], tanh_c);
        }
      }
  }

  void backward(std::ptrdiff_t t) {
    for (std::ptrdiff_t row = t * batch_; row < (t + 1) * batch_; ++row)
      for (std::ptrdiff_t j = 0; j < hidden_; j += width) {
        const std::ptrdiff_t at = row * hidden_ + j, at_z = row * 4 * hidden_ + j, at_dc = at - t * count_;
        Gates v;
        Lanes tanh_c;
        if constexpr (keep) {
          const float* a = &gates_[of(at_z)];
          v = {load(a), load(a + hidden_), load(a + 2 * hidden_), load(a + 3 * hidden_)};
          tanh_c = load(&tanh_c_[of(at)]);
        } else {
          v = gates_of(&z_[of(at_z)]);
          tanh_c = tanh(load(&c_[of(at + count_)]));
        }
        const Lanes dh = load(&dh_[of(at)]), one = all(1);
        const Lanes dc = fma(dh * v.o, one - tanh_c * tanh_c, load(&dc_[of(at_dc)]));
        put(&dz_[of(at_z)], hidden_,
            {dc * v.g * (v.i * (one - v.i)), dc * load(&c_[of(at)]) * (v.f * (one - v.f)), dc * v.i * (one - v.g * v.g),
             dh * tanh_c * (v.o * (one - v.o))});
        store(&dc_[of(at_dc)], dc * v.f);
      }
  }

  std::ptrdiff_t steps_, batch_, hidden_, count_;
  std::vector<float> z_, dz_, gates_;  // [steps, batch, 4 hidden]
  std::vector<float> c_;               // [steps + 1, batch, hidden]
  std::vector<float> h_, tanh_c_, dh_;
  std::vector<float> dc_;  // [batch, hidden]
  double loss_ = 0;
};

}  // namespace

void add_handwritten(Jobs& jobs) {
  jobs["handwritten"] = job<Loops<false>, Size>;
  jobs["handwritten-kept"] = job<Loops<true>, Size>;
}

}  // namespace bench
