/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * /v1/sources. `user` is the struct gateway.
 */
#ifndef TICKLINE_GATEWAY_SOURCES_API_H
#define TICKLINE_GATEWAY_SOURCES_API_H

#include "http_server.h"

void sources_api_post(struct http_request *request, void *user);
void sources_api_list(struct http_request *request, void *user);
void sources_api_get(struct http_request *request, void *user);
void sources_api_delete(struct http_request *request, void *user);

#endif
