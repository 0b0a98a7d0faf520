#pragma once

#include <string_view>

// The pieces of nginx.conf, with @names@ where nginx_config.cc puts values. Private to it.

namespace strata::engine {

// A hit pays for each directive of the rewrite module, and for none of the maps that it does not
// ask: what a request is of comes from maps. They are asked once a request, so what they ask has to
// survive an X-Accel-Redirect: $server_name, $request_uri and $host do.
inline constexpr std::string_view kHead = R"conf(# Written by the Service Engine: changes are lost.
@user@daemon off;
worker_processes @workers@;
pcre_jit on;
@files@worker_shutdown_timeout 1h;
pid "@folder@/nginx.pid";
error_log "@error_log@" warn;
events {
  worker_connections @connections@;
}
http {
  root "@folder@";
@types@  default_type application/octet-stream;
  types_hash_max_size 4096;
  types_hash_bucket_size 128;
  server_names_hash_max_size 65536;
  server_names_hash_bucket_size 512;
  map_hash_max_size 65536;
  map_hash_bucket_size 1024;
  variables_hash_max_size 4096;
  server_tokens off;
  sendfile on;
  tcp_nopush on;
  keepalive_timeout 75s;
  keepalive_requests 100000;
  client_header_timeout 15s;
  # What a request asks of memory, with the variables of this configuration, in one piece.
  request_pool_size 16k;
  reset_timedout_connection on;
  client_max_body_size 0;
  large_client_header_buffers 4 16k;
  merge_slashes off;
  absolute_redirect off;
  uninitialized_variable_warn off;
  recursive_error_pages on;
@formats@  client_body_temp_path "@folder@/body";
  fastcgi_temp_path "@folder@/fastcgi";
  uwsgi_temp_path "@folder@/uwsgi";
  scgi_temp_path "@folder@/scgi";
  proxy_temp_path "@temp@";
  proxy_cache_path "@cache@" levels=1:2 keys_zone=strata:@index@ use_temp_path=on inactive=365d
    loader_files=1000 loader_sleep=5ms loader_threshold=200ms@limits@;
  proxy_buffer_size 16k;
  proxy_buffers 8 32k;
  proxy_busy_buffers_size 64k;
  proxy_http_version 1.1;
  proxy_connect_timeout 5s;
  proxy_read_timeout @wait@s;
  proxy_send_timeout @wait@s;
  proxy_request_buffering off;
  proxy_force_ranges on;
  proxy_cache_revalidate on;
  proxy_cache_convert_head on;
  proxy_set_header Host $host;
  proxy_set_header Connection "";
  proxy_set_header Strata-Site $strata_site;
  proxy_set_header Strata-Target $strata_target;
  proxy_set_header Strata-Form $strata_form;
  proxy_set_header Strata-Client $remote_addr;
  proxy_set_header Strata-Scheme $scheme;
  proxy_set_header Strata-Host $http_host;
  proxy_set_header Strata-Tried $strata_tried;
  proxy_set_header Strata-Fill $strata_fill;
  proxy_set_header Strata-Cached $upstream_cache_status;
  proxy_set_header Strata-Key "";
  proxy_set_header Strata-Peer "";
  proxy_hide_header Strata-Key;
  proxy_hide_header Strata-Fill;
  proxy_hide_header Strata-Peer;
  proxy_hide_header Strata-Target;
  disable_symlinks off;
  upstream strata_agent {
    server "unix:@agent@" max_fails=0;
    keepalive 64;
    keepalive_requests 100000;
    keepalive_timeout 30s;
  }
  # Without connections kept: nginx asks once more on one of those that is closed, and a fetch that
  # a purge cuts off is not to be asked for again.
  upstream strata_agent_fill {
    server "unix:@agent@" max_fails=0;
  }
  # The path form's host and target, as the client sent them.
  map $request_uri $strata_path_host {
    default "";
    "~^/_[sf]/(?<strata_named>[^/?]+)/" $strata_named;
  }
  map $request_uri $strata_path_target {
    default "";
    "~^/_[sf]/[^/?]+(?<strata_rest>/.*)$" $strata_rest;
  }
  map $request_uri $strata_peer_form {
    default "";
    "~^/_s/" peer;
    "~^/_f/" peer-fill;
  }
  map $strata_path_host $strata_path_site {
    default "";
@path_sites@  }
  # The name, for the log.
  map $strata_path_host $strata_path_name {
    default "";
@path_names@  }
  # A site's server has the site's first host as its name.
  map $server_name $strata_site {
    default $server_name;
    "!clients" $strata_path_site;
    "!peers" $strata_path_site;
  }
  map $server_name $strata_target {
    default $request_uri;
    "!clients" $strata_path_target;
    "!peers" $strata_path_target;
  }
  map $host $strata_host_form {
    default direct;
@forms@  }
  map $server_name $strata_form {
    default $strata_host_form;
    "!clients" redirected;
    "!peers" $strata_peer_form;
  }
  # Escapes of characters that are another content escaped than plain
  # (docs/protocols/content_identity.md, section 3).
  map $request_uri $strata_odd_escape {
    default "";
    "~^[^?]*(?:%(?:2[146-9A-Ca-cFf]|3[ABDabd]|40)|#)" 1;
  }
  # The file of a request that a library may answer: of any query, or of an empty one only. Hidden
  # names and empty segments are no names of a file.
  map "$strata_odd_escape$request_method $uri" $strata_host_file_any {
    default "/.none";
    "~(?s)^(?:GET|HEAD) (?!.*(?://|/\.))(?<strata_host_any>.*)$" $strata_host_any;
  }
  map "$strata_odd_escape$request_method ?$args $uri" $strata_host_file_plain {
    default "/.none";
    "~(?s)^(?:GET|HEAD) \? (?!.*(?://|/\.))(?<strata_host_plain>.*)$" $strata_host_plain;
  }
  map "$strata_odd_escape$request_method $uri" $strata_path_file_any {
    default "/.none";
    "~(?s)^(?:GET|HEAD) /_[sf]/[^/]+(?!.*(?://|/\.))(?<strata_path_each>/.*)$" $strata_path_each;
  }
  map "$strata_odd_escape$request_method ?$args $uri" $strata_path_file_plain {
    default "/.none";
    "~(?s)^(?:GET|HEAD) \? /_[sf]/[^/]+(?!.*(?://|/\.))(?<strata_path_one>/.*)$" $strata_path_one;
  }
@cors@  server {
    listen "unix:@status@";
    access_log off;
    location = /_strata/status { stub_status; }
    location = /_strata/generation { default_type text/plain; return 200 "@generation@\n"; }
    location / { return 404; }
  }
)conf";

inline constexpr std::string_view kFormat =
    R"conf(  log_format @name@ escape=default '@fields@@operator@';
)conf";

// A library is looked into by the normal form of a path: "/_s/HOST/" spelled otherwise is no way
// there.
inline constexpr std::string_view kPathLibrary = R"conf(      if ($strata_path_target = "") {
        return 404;
      }
)conf";

// A site without cors_origins shows what its origin says.
inline constexpr std::string_view kCorsMaps = R"conf(  map $strata_site $strata_cors_any {
    default $upstream_http_access_control_allow_origin;
@any@  }
  map "$strata_site $http_origin" $strata_cors {
    default $strata_cors_any;
@one@  }
  map $strata_site $strata_cors_vary {
    default "";
@vary@  }
  map "$request_method $http_access_control_request_method" $strata_preflight {
    default "";
    "~^OPTIONS ." 1;
  }
  proxy_hide_header Access-Control-Allow-Origin;
  add_header Access-Control-Allow-Origin $strata_cors always;
  add_header Vary $strata_cors_vary always;
)conf";

inline constexpr std::string_view kPreflight = R"conf(      if ($strata_preflight) {
        add_header Access-Control-Allow-Origin $strata_cors always;
        add_header Vary $strata_cors_vary always;
        add_header Access-Control-Allow-Methods "GET, HEAD, POST, PUT, PATCH, DELETE" always;
        add_header Access-Control-Allow-Headers $http_access_control_request_headers always;
        add_header Access-Control-Max-Age 600 always;
        return 204;
      }
)conf";

// Nothing is stored here: what is to be kept comes by /_strata/fill, under the canonical key.
// The location's own prefix becomes "/miss?"; what follows it says nothing to the agent. Costs a
// hit nothing, other than a rewrite. How long a copy is good was noted when it was stored; that its
// headers are not read once more at each hit saves more than all of our maps cost.
inline constexpr std::string_view kEntry = R"conf(    location @location@ {
@settings@@preflight@@library@      proxy_cache strata;
      proxy_cache_key "http://@site@@target@";
      proxy_no_cache 1;
      proxy_ignore_headers Cache-Control Expires X-Accel-Expires;
      proxy_pass http://strata_agent/miss?;
    }
)conf";

// Looking whether there is a file costs a hit of the cache one question to the kernel; without
// links being followed it would be four. So what is found is opened elsewhere, where none is.
inline constexpr std::string_view kLookIntoLibrary =
    R"conf(      if (-f "@folder@$strata_@form@_file_@file@") {
        set $strata_found 1;
        rewrite ^ "/_strata/library/@name@$strata_@form@_file_@file@?" last;
      }
)conf";

inline constexpr std::string_view kLibrary = R"conf(    location ^~ /_strata/library/@name@/ {
      internal;
      alias "@folder@/";
      disable_symlinks on "from=@folder@";
      error_page 403 404 = @strata_ask;
    }
)conf";

// Where it is a link, or has gone meanwhile; not where a client has asked for a path of nginx's
// own.
inline constexpr std::string_view kLibraryMiss = R"conf(    location @strata_ask {
      if ($strata_found = "") {
        return 404;
      }
      proxy_cache strata;
      proxy_cache_key "http://$strata_site$strata_target";
      proxy_no_cache 1;
      proxy_ignore_headers Cache-Control Expires X-Accel-Expires;
      rewrite ^ /miss? break;
      proxy_pass http://strata_agent;
    }
)conf";

// What the agent's answers lead to. Its headers are read before the location's own upstream
// replaces them. Headers for nginx that an origin or a peer sends mean nothing.
inline constexpr std::string_view kInternal = R"conf(    location = /_strata/fill {
      internal;
      set $strata_key $upstream_http_strata_key;
      set $strata_fill $upstream_http_strata_fill;
      proxy_ignore_headers X-Accel-Redirect X-Accel-Limit-Rate X-Accel-Buffering X-Accel-Charset;
      proxy_cache strata;
      proxy_cache_key $strata_key;
      proxy_pass http://strata_agent_fill/fill;
    }
    location = /_strata/join {
      internal;
      set $strata_fill $upstream_http_strata_fill;
      proxy_ignore_headers X-Accel-Limit-Rate X-Accel-Buffering X-Accel-Charset;
      proxy_max_temp_file_size 0;
      proxy_pass http://strata_agent/join;
    }
    location = /_strata/peer {
      internal;
      set $strata_peer $upstream_http_strata_peer;
      set $strata_peer_target $upstream_http_strata_target;
      proxy_ignore_headers X-Accel-Redirect X-Accel-Limit-Rate X-Accel-Buffering X-Accel-Charset;
      proxy_max_temp_file_size 0;
      proxy_force_ranges off;
      proxy_connect_timeout 2s;
      proxy_set_header Host $strata_peer;
      proxy_set_header Connection "";
      proxy_set_header Strata-Site "";
      proxy_set_header Strata-Target "";
      proxy_set_header Strata-Form "";
      proxy_set_header Strata-Client "";
      proxy_set_header Strata-Scheme "";
      proxy_set_header Strata-Host "";
      proxy_set_header Strata-Tried "";
      proxy_set_header Strata-Fill "";
      proxy_set_header Strata-Cached "";
      proxy_intercept_errors on;
      error_page 502 504 = @strata_again;
      proxy_pass http://$strata_peer$strata_peer_target;
    }
    location @strata_again {
      set $strata_tried "$strata_tried$strata_comma$strata_peer";
      set $strata_comma ",";
      rewrite ^ /miss? break;
      proxy_pass http://strata_agent;
    }
    location /_strata/ { return 404; }
)conf";

// While the engine may not serve. Requests that have begun go on in the old workers.
inline constexpr std::string_view kClosed = R"conf(    add_header Retry-After 5 always;
    return 503;
)conf";

inline constexpr std::string_view kDefaultServer = R"conf(  server {
@listen@    server_name "@name@";
@closed@    @log@    location = /_strata/probe { default_type text/plain; return 200 "@engine@\n"; }
@internal@    location / { return 404; }
@entries@  }
)conf";

inline constexpr std::string_view kSiteServer = R"conf(  server {
@listen@    server_name@names@;
@closed@    @log@    location = /_strata/probe {
      default_type text/plain;
      return 200 "@engine@\n";
    }
@internal@@entry@  }
)conf";

}  // namespace strata::engine
