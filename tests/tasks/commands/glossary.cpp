#include <carousel/tasks/commands/glossary.hpp>

#include <set>
#include <string>

#include <doctest/doctest.h>

#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/commands/explain.hpp>

#include "tests/tasks/written.hpp"

using namespace carousel;

TEST_CASE("thirty terms and more are explained, each in a text of its own, and found by its synonyms") {
  CHECK(glossary().size() >= 30);
  std::set<std::string_view> names, texts;
  for (const Term& term : glossary()) {
    CAPTURE(term.name);
    CHECK(names.insert(term.name).second);
    CHECK(texts.insert(term.text).second);
    CHECK(term.text.size() > 60);
    CHECK(term.text.size() < 500);
    CHECK(find_term(term.name) == &term);
  }
  for (const auto& [given, name] : {std::pair("Vanishing-Gradient", "vanishing gradient"),
                                    {"bptt", "truncated BPTT"},
                                    {"truncated backpropagation through time", "truncated BPTT"},
                                    {"CEC", "constant error carousel"},
                                    {"what forgets", "forget gate"},
                                    {"lr", "learning rate"},
                                    {"bpc", "bits per character"},
                                    {"overfit", "overfitting"}}) {
    CAPTURE(given);
    REQUIRE(find_term(given) != nullptr);
    CHECK(find_term(given)->name == name);
  }
  CHECK(find_term("") == nullptr);
  CHECK(find_term("-") == nullptr);
  CHECK(find_term("no such term") == nullptr);
}

TEST_CASE("explain prints a term where no cell has the name") {
  int code = 1;
  std::string out = test::written_to(1, [&] { code = print_explanation("nats", {}); });
  CHECK(code == exit_done);
  CHECK(out.find("nats\n") == 0);
  CHECK(out.find("ln 65 = 4.17") != std::string::npos);
  out = test::written_to(1, [&] { code = list_explanations(); });
  CHECK(out.find("constant error carousel") != std::string::npos);
}
