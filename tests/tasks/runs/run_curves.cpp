#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/runs/run_curves.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <doctest/doctest.h>

using namespace carousel;

namespace {

using Json = nlohmann::ordered_json;

std::vector<Json> lines(const std::vector<std::string>& texts) {
  std::vector<Json> all;
  for (const std::string& text : texts) all.push_back(Json::parse(text));
  return all;
}

const Json* view_of(const Json& views, const std::string& title) {
  const auto found = std::find_if(views.begin(), views.end(), [&](const Json& view) { return view.at("title") == title; });
  return found == views.end() ? nullptr : &*found;
}

}  // namespace

TEST_CASE("curves are of steps and of epochs, over steps, and the cards of the result") {
  const RunCurves run = curves_of(
      lines({R"({"epoch":1,"step":5,"train_loss":2,"validation_loss":3,"accuracy":0.5,"seconds":1,"rate":0.1})",
             R"({"epoch":2,"step":10,"train_loss":1,"validation_loss":2,"accuracy":0.75,"seconds":2,"rate":0.1})",
             R"({"result":"x","test_accuracy":0.7,"seconds":2.5})"}),
      lines({R"({"step":1,"loss":4,"rate":0.2,"gradient_norm":1,"gradients":{"a":1,"b":2},"updates":{"a":null,"b":0.01}})",
             R"({"step":2,"loss":3,"rate":0.1,"gradient_norm":2,"gradients":{"a":2,"b":3},"updates":{"a":0.1,"b":0.02}})"}));
  CHECK(run.done);
  CHECK(run.seconds == 2.5);
  CHECK(run.result.dump() == R"([["test_accuracy",0.7]])");
  const Json* const loss = view_of(run.learning, "Loss");
  REQUIRE(loss);
  REQUIRE(loss->at("lines").size() == 2);
  CHECK(loss->at("lines")[0].at("name") == "loss of a step");
  CHECK(loss->at("lines")[1].at("name") == "validation_loss");
  CHECK(loss->at("lines")[1].at("x").dump() == "[5.0,10.0]");
  CHECK(loss->at("log_y") == false);
  const Json* const right = view_of(run.learning, "How often it is right");
  REQUIRE(right);
  CHECK(right->at("lines")[0].at("y").dump() == "[0.5,0.75]");
  CHECK(view_of(run.learning, "Learning rate"));
  const Json* const updates = view_of(run.gradients, "Step beside weight");
  REQUIRE(updates);
  CHECK(updates->at("log_y") == true);
  CHECK(updates->at("lines")[0].at("y").dump() == "[null,0.1]");
}

TEST_CASE("what is no part of what is right has a picture of its own, and says what it is") {
  const RunCurves run = curves_of(
      lines({R"({"epoch":1,"step":5,"validation_auc":0.5,"new":2})", R"({"epoch":2,"step":10,"validation_auc":0.9,"new":3})"}),
      {});
  CHECK_FALSE(view_of(run.learning, "How often it is right"));
  const Json* const auc = view_of(run.learning, "validation_auc");
  REQUIRE(auc);
  CHECK(
      auc->at("look_for").get<std::string>().starts_with("How often a frame with an event is held likelier than one without; "));
  REQUIRE(view_of(run.learning, "new"));
  CHECK(view_of(run.learning, "new")->at("look_for") == "What this task measures after each epoch.");
}

TEST_CASE("of a training that has not ended the last epoch is told") {
  const RunCurves run =
      curves_of(lines({R"({"epoch":1,"step":5,"train_loss":2,"seconds":1})", R"({"ended":"interrupted","seconds":1.5})"}), {});
  CHECK_FALSE(run.done);
  CHECK(run.result.dump() == R"([["train_loss",2]])");
  CHECK(run.gradients.empty());
}

TEST_CASE("of training and validation is spoken where both are") {
  const auto sentence = [](const std::string& shares) {
    const RunCurves run =
        curves_of(lines({R"({"epoch":1,"step":2,)" + shares + "}", R"({"epoch":2,"step":4,)" + shares + "}"}), {});
    return view_of(run.learning, "How often it is right")->at("look_for").get<std::string>();
  };
  const std::string train = R"("train_accuracy":0.5)", validation = R"("validation_accuracy":0.5)";
  CHECK(sentence(train + "," + validation).find("Training and validation should rise together") != std::string::npos);
  CHECK(sentence(train) ==
        "1 is always. This is of the examples that it learns from: how it does on others cannot be seen here.");
  CHECK(sentence(validation) == "1 is always. It should rise fast at first, then level off.");
}

TEST_CASE("an error is no share of right answers, however small it is") {
  const RunCurves run =
      curves_of(lines({R"({"epoch":1,"step":2,"validation_mse":0.5})", R"({"epoch":2,"step":4,"validation_mse":0.2})"}), {});
  CHECK_FALSE(view_of(run.learning, "How often it is right"));
  const Json* const off = view_of(run.learning, "How far it is off");
  REQUIRE(off);
  CHECK(off->at("lines")[0].at("y").dump() == "[0.5,0.2]");
}

TEST_CASE("a loss that falls far begins on a logarithmic scale, and a single epoch is no curve") {
  const RunCurves run =
      curves_of(lines({R"({"epoch":1,"step":2,"accuracy":0.5})"}), lines({R"({"step":1,"loss":101})", R"({"step":2,"loss":1})"}));
  CHECK(view_of(run.learning, "Loss")->at("log_y") == true);
  CHECK_FALSE(view_of(run.learning, "How often it is right"));
}

TEST_CASE("of very many parameters some are shown, and the sentence says so") {
  std::string gradients;
  for (int n = 0; n < 100; ++n) gradients += (n ? ",\"p" : "\"p") + std::to_string(n) + "\":1";
  const RunCurves run = curves_of({}, lines({R"({"step":1,"gradients":{)" + gradients + "}}"}));
  const Json* const view = view_of(run.gradients, "Norm of the gradient, parameter by parameter");
  REQUIRE(view);
  CHECK(view->at("lines").size() == 16);
  CHECK(view->at("look_for").get<std::string>().ends_with(" 16 of the 100 parameters are shown."));
}

TEST_CASE("a chart comes back from its view") {
  Views views;
  views.add("a", "b",
            Chart{.title = "",
                  .x_name = "x",
                  .y_name = "y",
                  .lines = {{.name = "l", .x = {1, 2}, .y = {3, std::nan("")}, .dashed = true, .colour = 5}},
                  .marks = {{1, "m"}},
                  .log_y = true});
  const Chart chart = chart_of(Json::parse(json_text(views))["views"][0]);
  CHECK(chart.title == "a");
  CHECK(chart.x_name == "x");
  CHECK(chart.lines.at(0).dashed);
  CHECK(chart.lines.at(0).colour == 5);
  CHECK(chart.lines.at(0).x == std::vector<double>{1, 2});
  CHECK(std::isnan(chart.lines.at(0).y.at(1)));
  CHECK(chart.marks.at(0).name == "m");
  CHECK(chart.log_y);
}

TEST_CASE("the loss of the baseline is a dashed level beside the loss, and a result that does not beat it is told") {
  const auto curves = [](const std::string& baseline) {
    return curves_of(lines({R"({"epoch":1,"step":2,"train_loss":2})", R"({"result":"x","loss":2,"baseline":)" + baseline + "}"}),
                     lines({R"({"step":1,"loss":3})", R"({"step":2,"loss":2})"}));
  };
  const RunCurves told = curves(R"({"guess":"always the mean","metric":"loss","value":2,"train_loss":2.5,"not_better":true})");
  CHECK(told.not_better_than == "always the mean");
  const Json& shown = view_of(told.learning, "Loss")->at("lines");
  REQUIRE(shown.size() == 2);
  CHECK(shown[0].at("colour") == net_colour);
  CHECK(shown[1].at("name") == "always the mean");
  CHECK(shown[1].at("dashed") == true);
  CHECK(shown[1].at("colour") == truth_colour);
  CHECK(shown[1].at("x").dump() == "[1.0,2.0]");
  CHECK(shown[1].at("y").dump() == "[2.5,2.5]");

  const RunCurves without = curves(R"({"guess":"a guess","metric":"auc","value":0.5,"train_loss":null,"not_better":false})");
  CHECK(without.not_better_than == "");
  CHECK(view_of(without.learning, "Loss")->at("lines").size() == 1);
}
