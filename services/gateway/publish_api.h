/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * POST /v1/ticks and POST /v1/bars: records in, what became of each one out. `user` is the
 * struct gateway. See openapi/gateway.yaml for what is answered when.
 */
#ifndef TICKLINE_GATEWAY_PUBLISH_API_H
#define TICKLINE_GATEWAY_PUBLISH_API_H

#include "http_server.h"

void publish_ticks(struct http_request *request, void *user);
void publish_bars(struct http_request *request, void *user);

#endif
