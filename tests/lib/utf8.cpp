#include <carousel/lib/utf8.hpp>

#include <doctest/doctest.h>

using namespace carousel;

TEST_CASE("the limits of UTF-8 are kept to the byte") {
  for (const char* good : {"", "carousel", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                           "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "aσ∘😀z"}) {
    CAPTURE(good);
    CHECK(is_utf8(good));
  }
  for (const char* bad :
       {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2\x7f", "\xc2\xc0", "\xe0\x9f\xbf", "\xe0\xa0", "\xe1\x80\x7f",
        "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf0\x90\x80", "\xf1\x80\x80\xc0", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff"}) {
    CAPTURE(bad);
    CHECK(first_not_utf8(bad) == 0);
    CHECK(first_not_utf8(std::string("aσ") + bad) == 3);
    CHECK(first_not_utf8(std::string(bad) + "a") == 0);
  }
  CHECK(is_utf8(std::string_view("a\0b", 3)));
}

TEST_CASE("a word in quotes is one short line") {
  CHECK(in_quotes("cell/wx") == "\"cell/wx\"");
  CHECK(in_quotes("σ∘") == "\"σ∘\"");
  CHECK(in_quotes("two\nlines\x7f") == "\"two\\x0alines\\x7f\"");
  CHECK(in_quotes("a\xff") == "\"a\\xff\"");
  CHECK(in_quotes(std::string(60, 'x')) == "\"" + std::string(60, 'x') + "\"");
  CHECK(in_quotes(std::string(61, 'x')) == "\"" + std::string(60, 'x') + "…\"");
  CHECK(in_quotes(std::string(59, 'x') + "σ") == "\"" + std::string(59, 'x') + "…\"");
}

TEST_CASE("letters that cannot be seen are escaped in quotes") {
  CHECK(in_quotes("\ufeff") == "\"\\ufeff\"");
  CHECK(in_quotes("a\u200bb\u00a0c\u202ed") == "\"a\\u200bb\\u00a0c\\u202ed\"");
  CHECK(in_quotes("\u0085\u2028\u3000") == "\"\\u0085\\u2028\\u3000\"");
  CHECK(in_quotes("\U000e0041") == "\"\\U000e0041\"");
  CHECK(in_quotes(std::string_view("\0", 1)) == "\"\\x00\"");
  CHECK(in_quotes("äσ∘😀“”…") == "\"äσ∘😀“”…\"");
}
