/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Serves the embedded dashboard. Every file is a route of its own, so that an unknown path stays a
 * 404 for every method. The page is public: it asks for a token itself when the data needs one.
 */
#ifndef TICKLINE_DASHBOARD_STATIC_FILES_H
#define TICKLINE_DASHBOARD_STATIC_FILES_H

#include "http_server.h"

http_handler static_files_get;

#define STATIC_FILE(path)                                         \
	{                                                         \
		"GET", path, static_files_get, HTTP_SCOPE_NONE, 0 \
	}
#define STATIC_FILES_ROUTES                                                                        \
	STATIC_FILE("/"), STATIC_FILE("/index.html"), STATIC_FILE("/dashboard.css"),               \
		STATIC_FILE("/favicon.svg"), STATIC_FILE("/dashboard.js"),                         \
		STATIC_FILE("/access.js"), STATIC_FILE("/chart.js"), STATIC_FILE("/choices.js"),   \
		STATIC_FILE("/drawing.js"), STATIC_FILE("/format.js"), STATIC_FILE("/model.js"),   \
		STATIC_FILE("/now.js"), STATIC_FILE("/page.js"), STATIC_FILE("/pictures.js"),      \
		STATIC_FILE("/pipeline.js"), STATIC_FILE("/poll.js"), STATIC_FILE("/price.js"),    \
		STATIC_FILE("/report.js"), STATIC_FILE("/residuals.js"),                           \
		STATIC_FILE("/series.js"), STATIC_FILE("/sources.js"),                             \
		STATIC_FILE("/training.js"), STATIC_FILE("/versions.js"), STATIC_FILE("/view.js"), \
		STATIC_FILE("/uPlot.iife.min.js"), STATIC_FILE("/uPlot.min.css"),                  \
		STATIC_FILE("/uPlot.LICENSE.txt")

#endif
