-- What wrk asks: /video/N with N all over the known contents. Prints `name value` lines.

local contents = tonumber(os.getenv("CONTENTS"))
local host = " HTTP/1.1\r\nHost: films.example\r\n\r\n"
local step = 611953  -- Prime: each comes once before one comes again.
local at = 0

function setup(thread)
  thread:set("id", math.random(1000000))
end

function init()
  at = id
end

function request()
  at = (at + step) % contents
  return "GET /video/" .. at .. host
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format("requests %d\n", summary.requests))
  io.write(string.format("microseconds %d\n", summary.duration))
  io.write(string.format("p50_us %d\n", latency:percentile(50)))
  io.write(string.format("p99_us %d\n", latency:percentile(99)))
  io.write(string.format("timeouts %d\n", errors.timeout))
  io.write(string.format("errors %d\n", errors.connect + errors.read + errors.write
                         + errors.status + errors.timeout))
end
