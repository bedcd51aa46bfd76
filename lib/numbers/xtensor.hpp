#pragma once
/// The one door to xtensor: its headers moved in 0.26, and 0.24 needs two repairs that must stand before everything else.

#if __has_include(<xtensor/containers/xarray.hpp>)
#include <xtensor/containers/xadapt.hpp>
#include <xtensor/containers/xarray.hpp>
#else
#include <cstddef>

#include <xtensor/xexpression_traits.hpp>

// Under g++ with C++20, xtensor 0.24 takes its dynamic shape for one of fixed rank 4 and makes arrays of the wrong type.
namespace xt::detail {
template <>
struct xtype_for_shape<svector<std::size_t, 4>> {
  template <class T, layout_type L>
  using type = xarray<T, L>;
};
template <>
struct xtype_for_shape<svector<std::ptrdiff_t, 4>> {
  template <class T, layout_type L>
  using type = xarray<T, L>;
};
}  // namespace xt::detail

#include <xtensor/xadapt.hpp>
#include <xtensor/xarray.hpp>
#endif
