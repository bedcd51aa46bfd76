#include <carousel/lib/tape/statement.hpp>

namespace carousel::detail {

CAROUSEL_ARITHMETIC(CAROUSEL_STATEMENT, float)
CAROUSEL_ARITHMETIC(CAROUSEL_STATEMENT, double)

}  // namespace carousel::detail
