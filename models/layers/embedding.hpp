#pragma once
/// Embeddings: a vector of its own for each symbol.

#include <carousel/lib/training/init.hpp>
#include <carousel/ops/embedding.hpp>

namespace carousel {

/// How the table of an Embedding starts.
template <class T>
struct EmbeddingOptions {
  Init<T> table = init::normal<T>(0, 1);
};

/// Row `id` of a table that is learned, for each id: what the product of a one-hot vector and a weight gives, without the zeros.
///   table: [symbols, dim]
template <class T>
struct Embedding {
  Param<T> table;

  Embedding(Scope<T> p, Index symbols, Index dim, const EmbeddingOptions<T>& options = {})
      : table(p.parameter("table", {symbols, dim}, options.table)) {}

  /// The rows of `ids`, which fill the places of `leading` row by row: [leading..., dim]. Throws std::invalid_argument for an id
  /// outside the table.
  template <std::ranges::sized_range Ids>
  Var<T> operator()(const Ids& ids, const Shape& leading) const {
    return embed(table, ids, leading);
  }
  /// The same for a list of ids: [ids, dim].
  template <std::ranges::sized_range Ids>
  Var<T> operator()(const Ids& ids) const {
    return embed(table, ids);
  }
};

}  // namespace carousel
