-- One chat call after another with wrk; the key comes from the environment. Reports what run.py reads.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer " .. (os.getenv("BENCH_KEY") or "")
wrk.body = '{"model":"bench","messages":[{"role":"user","content":"Hello, how are you today?"}],"temperature":0.7}'
if os.getenv("BENCH_METHOD") == "GET" then
  wrk.method = "GET"
  wrk.body = nil
end

done = function(summary, latency, requests)
  local bad = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.status + summary.errors.timeout
  io.write(string.format(
    '\nRESULT {"requests": %d, "us": %d, "bad": %d, "p50_us": %.1f, "p99_us": %.1f}\n',
    summary.requests, summary.duration, bad, latency:percentile(50), latency:percentile(99)))
end
