-- Sends one tools/call after the other. The environment says which: TOOL, ARGUMENTS (JSON), REVISION, and where there are any
-- TOKEN and SESSION. Prints one line of figures; an answer that is no result counts as bad, and the first is shown.
local function told(name, otherwise) return os.getenv(name) or otherwise end

local revision, tool = told("REVISION", "2026-07-28"), told("TOOL", "echo")
local about = ""
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Accept"] = "application/json, text/event-stream"
wrk.headers["MCP-Protocol-Version"] = revision
if os.getenv("TOKEN") then wrk.headers["Authorization"] = "Bearer " .. os.getenv("TOKEN") end
if os.getenv("SESSION") then wrk.headers["Mcp-Session-Id"] = os.getenv("SESSION") end
if revision >= "2026-07-28" then
  local prefix = '"io.modelcontextprotocol/'
  wrk.headers["Mcp-Method"], wrk.headers["Mcp-Name"] = "tools/call", tool
  about = ',"_meta":{' .. prefix .. 'protocolVersion":"' .. revision .. '",' .. prefix ..
    'clientInfo":{"name":"wrk","version":"1"},' .. prefix .. 'clientCapabilities":{}}'
end
wrk.body = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"' .. tool .. '","arguments":' ..
  told("ARGUMENTS", '{"text":"hello"}') .. about .. "}}"

local threads = {}
wrong = 0

function setup(thread) table.insert(threads, thread) end

function response(status, _, body)
  if status == 200 and body:find('"content"', 1, true) and not body:find('"isError":true', 1, true) then return end
  wrong = wrong + 1
  if wrong == 1 then io.stderr:write("first bad answer: " .. status .. " " .. body:sub(1, 400) .. "\n") end
end

function done(summary, latency, _)
  local bad, lost = 0, summary.errors
  for _, thread in ipairs(threads) do bad = bad + (thread:get("wrong") or 0) end
  io.write(string.format('{"requests": %d, "seconds": %f, "p50_us": %d, "p99_us": %d, "bad": %d, "lost": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99), bad,
    lost.connect + lost.read + lost.write + lost.timeout))
end
