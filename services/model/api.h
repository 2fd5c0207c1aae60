/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The REST handlers of the model service. `user` is a struct model_app. One file per group:
 * models_api, versions_api, jobs_api, predict_api, predictions_api, records_api, oip_api,
 * pipeline_api, mlflow_api, audit_api.
 */
#ifndef TICKLINE_MODEL_API_H
#define TICKLINE_MODEL_API_H

#include <stdatomic.h>

#include "http_server.h"
#include "live.h"
#include "metrics.h"
#include "model_settings.h"
#include "pipeline_settings.h"
#include "registry.h"
#include "settings.h"
#include "training.h"
#include "webhdfs_direct.h"

struct model_app {
	struct kafka_settings kafka;
	struct hdfs_settings hdfs;
	struct model_settings settings;
	struct training_settings training_settings;
	struct yarn_settings yarn;
	struct pipeline_settings pipeline;
	struct registry *registry;
	struct webhdfs_direct *direct; /* NULL: by settings */
	struct training *training;
	struct live *live;
	struct metrics *metrics;
	struct metric *predict_rows; /* rows answered by the predict call */
	atomic_int pipeline_calls;   /* requests that wait for other services */
};

http_handler models_list, models_create, models_get, models_delete;
http_handler versions_list, versions_get, versions_promote, versions_rollback, versions_history;
http_handler jobs_train, jobs_list, jobs_get, jobs_cancel;
http_handler predict_handle;
http_handler predictions_list, predictions_live;
http_handler records_list;
http_handler pipeline_get, pipeline_source_start, pipeline_source_stop;
http_handler oip_server, oip_live, oip_ready, oip_model, oip_model_ready, oip_infer;
http_handler mlflow_invocations, mlflow_ping;
http_handler audit_get;

#endif
