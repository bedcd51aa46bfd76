#pragma once
/// The report of a run: one HTML file that needs nothing else, made from what lies in the folder of the run.

#include <string>

namespace carousel {

/// The page for a folder that holds any of config.json, metrics.jsonl, steps.jsonl and views.json; what is missing or cannot be
/// read is left out. Curves are drawn by Chart.js where it is found: the file that $CAROUSEL_CHART_JS names, else that of
/// Debian's package libjs-chart.js; without it they are plain SVG. Of a training that is `running` it says so. Throws
/// std::runtime_error if the folder holds none of the four files, or one that is no regular file.
std::string report_page(const std::string& folder, bool running = false);

/// Writes it as report.html into the folder, and returns the file's path. Throws std::runtime_error if it cannot be written.
std::string write_report(const std::string& folder, bool running = false);

}  // namespace carousel
