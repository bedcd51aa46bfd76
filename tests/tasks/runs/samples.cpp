#include <carousel/tasks/runs/samples.hpp>

#include <doctest/doctest.h>

using namespace carousel;

TEST_CASE("samples are the texts and tables of the views, and those that no page shows") {
  Views views;
  CHECK(samples_text(views).empty());
  views.add("A curve", "", Chart{.title = "", .x_name = "x", .y_name = "y", .lines = {}});
  CHECK(samples_text(views).empty());
  views.add("What it writes", "Look.", view::Texts{{{"temperature 0.3", "to be\nor"}, {"temperature 1", "tö"}}});
  views.samples.push_back({"Lines", "", view::Table{{"shows", "read"}, {{"123", "124"}, {"7", "7"}}}});
  CHECK(samples_text(views) == R"(What it writes
==============

temperature 0.3
---------------

to be
or

temperature 1
-------------

tö

Lines
=====

shows  read
123    124
7      7
)");
}
