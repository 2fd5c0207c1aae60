/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The parts of the service, as its HTTP handlers see them.
 */
#ifndef TICKLINE_INGEST_INGEST_H
#define TICKLINE_INGEST_INGEST_H

#include <stdatomic.h>

#include "consumer.h"
#include "dataset.h"
#include "http_server.h"
#include "ingest_settings.h"
#include "settings.h"
#include "status.h"
#include "watch.h"

struct ingest {
	struct ingest_settings settings;
	struct kafka_settings kafka;
	struct hdfs_settings hdfs;
	struct dataset datasets[RECORD_KINDS];
	struct status *status;
	struct consumer *consumer;
	struct watch *watch;
	const struct config *config;
	struct metrics *metrics;
	atomic_bool replaying; /* one at a time: each has two Kafka clients of its own */
};

/* status_api.c; `user` is the struct ingest. */
http_handler status_get;
http_handler status_get_partition;
http_handler status_acknowledge_loss;

/* flush_api.c, pause_api.c, files_api.c, dead_letters_api.c, replay_api.c */
http_handler flush_post;
http_handler pause_post;
http_handler resume_post;
http_handler files_get;
http_handler dead_letters_get;
http_handler replay_post;

/* The query's `dataset` (ticks or bars); NULL: answered 400. */
const struct dataset *dataset_asked(struct http_request *request, const struct ingest *ingest);

/* A published file as the API shows it; the caller owns the result. */
cJSON *status_file_json(const struct published_file *file);

/* "paused", "paused_since", "in_flight". */
void status_add_pause(cJSON *json, const struct status_totals *totals);

extern const char openapi_ingest[];

#endif
