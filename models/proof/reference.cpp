#include <carousel/models/proof/reference.hpp>

#include <cmath>

#include <carousel/lib/error.hpp>

namespace carousel::reference {

namespace {

using Vector = std::vector<double>;

std::size_t size_of(Index extent) {
  return static_cast<std::size_t>(extent);
}

/// The parameter of that name. Throws std::invalid_argument, with the names that there are, if there is none.
const Tensor<double>& named(const Tensors& parameters, std::string_view name) {
  const auto found = parameters.find(name);
  if (found != parameters.end()) return found->second;
  std::string all;
  for (const auto& [other, value] : parameters) all += (all.empty() ? "" : ", ") + other;
  wrong_argument("reference: there is no parameter ", name, ": given are ", all.empty() ? "none" : all);
}

Vector row(const Tensor<double>& matrix, Index at) {
  const Index columns = shape_of(matrix).back();
  return {matrix.data() + at * columns, matrix.data() + (at + 1) * columns};
}

// Three loops are all of linear algebra that a recurrent net needs. For a product z = v W, with ∂L/∂z = dz:
//   z_j = Σ_k v_k W_kj     so  ∂L/∂v_k = Σ_j W_kj dz_j  and  ∂L/∂W_kj = v_k dz_j

/// z += v W
void add_product(const Vector& v, const Tensor<double>& w, Vector& z) {
  for (std::size_t k = 0; k < v.size(); ++k)
    for (std::size_t j = 0; j < z.size(); ++j) z[j] += v[k] * w.data()[k * z.size() + j];
}
/// dv += W dz
void add_back(const Tensor<double>& w, const Vector& dz, Vector& dv) {
  for (std::size_t k = 0; k < dv.size(); ++k)
    for (std::size_t j = 0; j < dz.size(); ++j) dv[k] += w.data()[k * dz.size() + j] * dz[j];
}
/// dW += vᵀ dz
void add_outer(const Vector& v, const Vector& dz, Tensor<double>& dw) {
  for (std::size_t k = 0; k < v.size(); ++k)
    for (std::size_t j = 0; j < dz.size(); ++j) dw.data()[k * dz.size() + j] += v[k] * dz[j];
}
void add(const Tensor<double>& from, Vector& to) {
  for (std::size_t j = 0; j < to.size(); ++j) to[j] += from.data()[j];
}
void add(const Vector& from, Tensor<double>& to) {
  for (std::size_t j = 0; j < from.size(); ++j) to.data()[j] += from[j];
}

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

/// z = x Wx + h Wh + b and its way back, which all cells share, with the sums of the gradients over all steps and examples.
struct Affine {
  const Tensor<double>&wx, &wh, &b;
  Tensor<double> dwx, dwh, db;
  std::size_t hidden;

  explicit Affine(const Tensors& p)
      : wx(named(p, "wx")),
        wh(named(p, "wh")),
        b(named(p, "b")),
        dwx(zeros<double>(shape_of(wx))),
        dwh(zeros<double>(shape_of(wh))),
        db(zeros<double>(shape_of(b))),
        hidden(size_of(shape_of(wh)[0])) {}

  Vector forward(const Vector& x, const Vector& h) const {
    Vector z(b.size());
    add_product(x, wx, z);
    add_product(h, wh, z);
    add(b, z);
    return z;
  }
  /// Sends dz = ∂L/∂z to the weights and to x; returns ∂L/∂h.
  Vector backward(const Vector& x, const Vector& h, const Vector& dz, Vector& dx) {
    add_outer(x, dz, dwx);
    add_outer(h, dz, dwh);
    add(dz, db);
    add_back(wx, dz, dx);
    Vector dh(h.size());
    add_back(wh, dz, dh);
    return dh;
  }
  Tensors gradients() const { return {{"wx", dwx}, {"wh", dwh}, {"b", db}}; }
};

// ---- the cells ---------------------------------------------------------------------------------------------------------------
//
// Of each step forward() keeps what backward() needs. backward() gets ∂L/∂state' — what the loss at this step and all later steps
// send — and turns it into ∂L/∂state in place, and into ∂L/∂x. That is the whole recursion: L depends on the state only through
// the output of this step and through the next state.

/// h' = tanh(z),  z = x Wx + h Wh + b
struct RnnTanh {
  struct Kept {
    Vector x, h, next;
  };
  Affine affine;
  explicit RnnTanh(const Tensors& p) : affine(p) {}

  Kept forward(const Vector& x, std::vector<Vector>& state) const {
    Kept kept{x, state[0], affine.forward(x, state[0])};
    for (double& v : kept.next) v = std::tanh(v);
    state[0] = kept.next;
    return kept;
  }

  // ∂h'/∂z = 1 − tanh² z = 1 − h'²
  void backward(const Kept& kept, std::vector<Vector>& d, Vector& dx) {
    Vector dz(affine.hidden);
    for (std::size_t j = 0; j < dz.size(); ++j) dz[j] = d[0][j] * (1 - kept.next[j] * kept.next[j]);
    d[0] = affine.backward(kept.x, kept.h, dz, dx);
  }
  Tensors gradients() const { return affine.gradients(); }
};

/// [i, f, g, o] = σ, σ, tanh, σ of z = x Wx + h Wh + b;  c' = f∘c + i∘g;  h' = o∘φ(c'), φ(c) = tanh c or c
template <bool squashed>
struct Lstm {
  struct Kept {
    Vector x, h, c, gates, next;
  };
  Affine affine;
  explicit Lstm(const Tensors& p) : affine(p) {}

  Kept forward(const Vector& x, std::vector<Vector>& state) const {
    const std::size_t n = affine.hidden;
    Kept kept{x, state[0], state[1], affine.forward(x, state[0]), Vector(n)};
    Vector& z = kept.gates;
    for (std::size_t j = 0; j < 4 * n; ++j) z[j] = j / n == 2 ? std::tanh(z[j]) : sigmoid(z[j]);
    for (std::size_t j = 0; j < n; ++j) {
      const double i = z[j], f = z[n + j], g = z[2 * n + j], o = z[3 * n + j];
      kept.next[j] = f * kept.c[j] + i * g;
      state[0][j] = o * (squashed ? std::tanh(kept.next[j]) : kept.next[j]);
    }
    state[1] = kept.next;
    return kept;
  }

  // L reaches c' in two ways, through h' and through the next step, whose part arrives as ∂L/∂c':
  //   ∂L/∂o  = ∂L/∂h' φ(c')
  //   dc     = ∂L/∂c' + ∂L/∂h' o φ'(c')        φ'(c') = 1 − tanh² c', or 1
  // From c' = f∘c + i∘g:
  //   ∂L/∂f  = dc c     ∂L/∂i = dc g     ∂L/∂g = dc i
  //   ∂L/∂c  = dc f                            the carousel: where f is 1 the error goes round unchanged
  // Through the gates' functions, σ' = σ (1 − σ) and tanh' = 1 − tanh²:
  //   dz_i = ∂L/∂i i (1 − i)     dz_f = ∂L/∂f f (1 − f)     dz_g = ∂L/∂g (1 − g²)     dz_o = ∂L/∂o o (1 − o)
  void backward(const Kept& kept, std::vector<Vector>& d, Vector& dx) {
    const std::size_t n = affine.hidden;
    Vector dz(4 * n), dc_before(n);
    for (std::size_t j = 0; j < n; ++j) {
      const double i = kept.gates[j], f = kept.gates[n + j], g = kept.gates[2 * n + j], o = kept.gates[3 * n + j];
      const double phi = squashed ? std::tanh(kept.next[j]) : kept.next[j];
      const double slope = squashed ? 1 - phi * phi : 1;
      const double dh = d[0][j], dc = d[1][j] + dh * o * slope;
      dz[j] = dc * g * i * (1 - i);
      dz[n + j] = dc * kept.c[j] * f * (1 - f);
      dz[2 * n + j] = dc * i * (1 - g * g);
      dz[3 * n + j] = dh * phi * o * (1 - o);
      dc_before[j] = dc * f;
    }
    d[0] = affine.backward(kept.x, kept.h, dz, dx);
    d[1] = dc_before;
  }
  Tensors gradients() const { return affine.gradients(); }
};

/// a = x Wx + b;  q = h Wh + bh, each in blocks r, z, n
/// r = σ(a_r + q_r);  z = σ(a_z + q_z);  n = tanh(a_n + r∘q_n);  h' = (1 − z)∘n + z∘h
struct Gru {
  struct Kept {
    Vector x, h, r, z, n, q;
  };
  const Tensor<double>&wx, &wh, &b, &bh;
  Tensor<double> dwx, dwh, db, dbh;
  std::size_t hidden;

  explicit Gru(const Tensors& p)
      : wx(named(p, "wx")),
        wh(named(p, "wh")),
        b(named(p, "b")),
        bh(named(p, "bh")),
        dwx(zeros<double>(shape_of(wx))),
        dwh(zeros<double>(shape_of(wh))),
        db(zeros<double>(shape_of(b))),
        dbh(zeros<double>(shape_of(bh))),
        hidden(size_of(shape_of(wh)[0])) {}

  Kept forward(const Vector& x, std::vector<Vector>& state) const {
    Vector a(3 * hidden), q(3 * hidden);
    add_product(x, wx, a);
    add(b, a);
    add_product(state[0], wh, q);
    add(bh, q);
    Kept kept{x, state[0], Vector(hidden), Vector(hidden), Vector(hidden), Vector(q.end() - static_cast<Index>(hidden), q.end())};
    for (std::size_t j = 0; j < hidden; ++j) {
      kept.r[j] = sigmoid(a[j] + q[j]);
      kept.z[j] = sigmoid(a[hidden + j] + q[hidden + j]);
      kept.n[j] = std::tanh(a[2 * hidden + j] + kept.r[j] * kept.q[j]);
      state[0][j] = (1 - kept.z[j]) * kept.n[j] + kept.z[j] * kept.h[j];
    }
    return kept;
  }

  // From h' = (1 − z)∘n + z∘h, with dh = ∂L/∂h':
  //   ∂L/∂n = dh (1 − z)     ∂L/∂z = dh (h − n)     ∂L/∂h = dh z + what comes through the products below
  // Through n = tanh(a_n + r∘q_n):
  //   da_n = ∂L/∂n (1 − n²)     dq_n = da_n r     ∂L/∂r = da_n q_n
  // Through the gates, in whose sums a and q stand side by side:
  //   da_r = dq_r = ∂L/∂r r (1 − r)     da_z = dq_z = ∂L/∂z z (1 − z)
  void backward(const Kept& kept, std::vector<Vector>& d, Vector& dx) {
    Vector da(3 * hidden), dq(3 * hidden), dh_before(hidden);
    for (std::size_t j = 0; j < hidden; ++j) {
      const double r = kept.r[j], z = kept.z[j], n = kept.n[j], dh = d[0][j];
      const double da_n = dh * (1 - z) * (1 - n * n);
      da[j] = dq[j] = da_n * kept.q[j] * r * (1 - r);
      da[hidden + j] = dq[hidden + j] = dh * (kept.h[j] - n) * z * (1 - z);
      da[2 * hidden + j] = da_n;
      dq[2 * hidden + j] = da_n * r;
      dh_before[j] = dh * z;
    }
    add_outer(kept.x, da, dwx);
    add(da, db);
    add_back(wx, da, dx);
    add_outer(kept.h, dq, dwh);
    add(dq, dbh);
    add_back(wh, dq, dh_before);
    d[0] = dh_before;
  }
  Tensors gradients() const { return {{"wx", dwx}, {"wh", dwh}, {"b", db}, {"bh", dbh}}; }
};

// ---- through time ------------------------------------------------------------------------------------------------------------

/// Each example by itself: its steps in order, then back.
template <class Step>
Answer through_time(const Tensors& parameters, const Problem& problem) {
  Step step(parameters);
  const Shape shape = shape_of(problem.xs);
  const Index batch = shape[1], in = shape[2], members = static_cast<Index>(problem.start.size());
  Answer answer{zeros<double>(shape_of(problem.d_outputs)), {}};
  Tensor<double> dxs = zeros<double>(shape);
  std::vector<Tensor<double>> d_start;
  for (const Tensor<double>& member : problem.start) d_start.push_back(zeros<double>(shape_of(member)));

  for (Index example = 0; example < batch; ++example) {
    const Index steps = problem.lengths.empty() ? shape[0] : problem.lengths[size_of(example)];
    const auto place = [&](Index k) { return (problem.reverse ? steps - 1 - k : k) * batch + example; };
    std::vector<Vector> state, d;
    std::vector<typename Step::Kept> kept;
    for (const Tensor<double>& member : problem.start) state.push_back(row(member, example));
    for (Index k = 0; k < steps; ++k) {
      kept.push_back(step.forward(row(problem.xs, place(k)), state));
      std::copy(state[0].begin(), state[0].end(), answer.outputs.data() + place(k) * static_cast<Index>(state[0].size()));
    }
    for (const Tensor<double>& member : problem.d_end) d.push_back(row(member, example));
    for (Index k = steps - 1; k >= 0; --k) {
      const Vector from_output = row(problem.d_outputs, place(k));
      for (std::size_t j = 0; j < from_output.size(); ++j) d[0][j] += from_output[j];
      Vector dx(size_of(in));
      step.backward(kept[size_of(k)], d, dx);
      std::copy(dx.begin(), dx.end(), dxs.data() + place(k) * in);
    }
    for (std::size_t m = 0; m < d.size(); ++m)
      std::copy(d[m].begin(), d[m].end(), d_start[m].data() + example * static_cast<Index>(d[m].size()));
  }
  answer.gradients = step.gradients();
  answer.gradients.emplace("xs", dxs);
  for (Index m = 0; m < members; ++m) answer.gradients.emplace("start " + std::to_string(m), d_start[size_of(m)]);
  return answer;
}

}  // namespace

Answer rnn_tanh(const Tensors& parameters, const Problem& problem) {
  return through_time<RnnTanh>(parameters, problem);
}
Answer lstm(const Tensors& parameters, const Problem& problem) {
  return through_time<Lstm<true>>(parameters, problem);
}
Answer lstm_linear(const Tensors& parameters, const Problem& problem) {
  return through_time<Lstm<false>>(parameters, problem);
}
Answer gru(const Tensors& parameters, const Problem& problem) {
  return through_time<Gru>(parameters, problem);
}

Cell cell(std::string_view name) {
  static const std::map<std::string, Cell, std::less<>> cells{
      {"gru", gru}, {"lstm", lstm}, {"lstm-linear", lstm_linear}, {"rnn-tanh", rnn_tanh}};
  const auto found = cells.find(name);
  return found == cells.end() ? Cell() : found->second;
}

// With p_j = e^{z_j} / Σ_k e^{z_k}:  ∂ log p_j / ∂z_k = [j = k] − p_k.  So of −log p_label:  ∂/∂z_k = p_k − [k = label].
Tensor<double> cross_entropy_gradient(const Tensor<double>& logits, std::span<const Index> labels) {
  const auto classes = size_of(shape_of(logits).back());
  Tensor<double> d = zeros<double>(shape_of(logits));
  for (std::size_t at = 0; at < labels.size(); ++at) {
    const double* z = logits.data() + at * classes;
    double total = 0;
    for (std::size_t k = 0; k < classes; ++k) total += std::exp(z[k]);
    for (std::size_t k = 0; k < classes; ++k) {
      const double target = static_cast<Index>(k) == labels[at] ? 1 : 0;
      d.data()[at * classes + k] = (std::exp(z[k]) / total - target) / static_cast<double>(labels.size());
    }
  }
  return d;
}

}  // namespace carousel::reference
