/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * librdkafka's own figures, once a second: what it alone knows.
 */
#include "publisher_private.h"

#include <string.h>

#include <cjson/cJSON.h>

static double number_of(const cJSON *object, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
	return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

static void count_retries(struct publisher *p, const cJSON *stats)
{
	double retries = 0;
	const cJSON *broker;
	cJSON_ArrayForEach(broker, cJSON_GetObjectItemCaseSensitive(stats, "brokers")) retries +=
		number_of(broker, "txretries");
	if (retries > p->last_retries)
		metric_add(p->retries, (uint64_t)(retries - p->last_retries));
	p->last_retries = retries;
}

static void note_producer_id(struct publisher *p, const cJSON *stats)
{
	const cJSON *eos = cJSON_GetObjectItemCaseSensitive(stats, "eos");
	const char *state =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(eos, "idemp_state"));
	bool assigned = state && strcmp(state, "Assigned") == 0;
	if (atomic_exchange(&p->has_producer_id, assigned) != assigned && assigned)
		publisher_suspect(p); /* the watch may wait for just this */
}

int publisher_on_stats(rd_kafka_t *handle, char *json, size_t length, void *user)
{
	(void)handle;
	struct publisher *p = user;
	cJSON *stats = cJSON_ParseWithLength(json, length);
	if (stats) {
		count_retries(p, stats);
		note_producer_id(p, stats);
		metric_set(p->queue_records, number_of(stats, "msg_cnt"));
		metric_set(p->queue_bytes, number_of(stats, "msg_size"));
	}
	cJSON_Delete(stats);
	return 0; /* librdkafka frees `json` */
}
