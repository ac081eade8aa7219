-- One call after another with wrk, as load.py says by its environment: BENCH_METHOD, BENCH_BODY (a file), BENCH_KEYS (a
-- file with a key in each line, used in turn) and BENCH_CHARGES (a file for the charge of each answer that came whole).
-- Prints what load.py reads.

local function content(name)
  local path = os.getenv(name)
  if not path then return nil end
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

local keys, requests, turn = {}, {}, 0

function init()
  local body = content("BENCH_BODY")
  for key in content("BENCH_KEYS"):gmatch("[^\n]+") do keys[#keys + 1] = key end
  wrk.method = os.getenv("BENCH_METHOD") or "POST"
  wrk.headers["Content-Type"] = body and "application/json" or nil
  wrk.body = body
  for number, key in ipairs(keys) do
    wrk.headers["Authorization"] = "Bearer " .. key
    requests[number] = wrk.format()
  end
  -- A function that wrk has to call for each request costs it time, so there is one only where keys take turns.
  if #requests == 1 then request = function() return requests[1] end end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

if os.getenv("BENCH_CHARGES") then
  local file
  function response(status, headers)
    file = file or assert(io.open(os.getenv("BENCH_CHARGES"), "a"))
    for name, value in pairs(headers) do
      if status == 200 and name:lower() == "x-latchkey-charge" then file:write(value, "\n") end
    end
    file:flush()
  end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\nRESULT {"requests": %d, "us": %d, "broken": %d, "refused": %d, "p50_us": %.1f, "p99_us": %.1f}\n',
    summary.requests, summary.duration, errors.connect + errors.read + errors.write + errors.timeout, errors.status,
    latency:percentile(50), latency:percentile(99)))
end
