// The operations tools by what somebody wants, with the fields each of them has.

const MINUTES = [["15", "15 minutes"], ["5", "5 minutes"], ["60", "hour"], ["360", "6 hours"], ["1440", "day"]];
const WINDOW = { kind: "number", name: "time_window_minutes", label: "Of the last", options: MINUTES };
const LOOKING = "Looking. It takes up to 8 seconds, also when somebody hangs.";

const tenant = (name, label, placeholder = "all of them") => ({ kind: "text", name, label, placeholder });

/** In the order in which they are needed at night. `action` is the right that each wants. */
export const TOOLS = [
  {
    tool: "diagnose_gateway_health",
    title: "Health",
    action: "diagnose",
    lead: "Is everything well? Gateway, engine, Redis and limits are asked at the same time. Nothing is changed.",
    run: "Look",
    waiting: LOOKING,
    fields: [
      tenant("tenant_id", "Tenant to look at"),
      { kind: "tick", name: "include_cache_metrics", label: "the cache too", checked: true },
      { kind: "tick", name: "include_rate_limiting", label: "the limits too", checked: true },
    ],
  },
  {
    tool: "troubleshoot_production_issue",
    title: "Find the cause",
    action: "diagnose",
    lead: "What is wrong, by which evidence, and what may be done? What is recommended is carried out by you, or not at all.",
    run: "Find it",
    waiting: LOOKING,
    fields: [
      {
        kind: "choice",
        name: "issue_type",
        label: "What was noticed",
        options: [
          ["auto", "find out"],
          ["high_latency", "answers are slow"],
          ["proxy_timeout", "requests time out"],
          ["rate_limiting", "callers are refused"],
          ["cache_miss", "the cache misses"],
          ["circuit_breaker", "circuits are open"],
          ["memory_leak", "memory grows"],
        ],
      },
      tenant("tenant_id", "Whose trouble it is", "anybody's"),
      WINDOW,
    ],
  },
  {
    tool: "analyze_performance_metrics",
    title: "Performance",
    action: "diagnose",
    lead: "A window beside the one before it, by endpoint, upstream and tenant.",
    run: "Compare",
    waiting: LOOKING,
    fields: [
      {
        kind: "choice",
        name: "metric_type",
        label: "What to look at",
        options: [
          ["latency", "how long answers take"],
          ["throughput", "how much is asked"],
          ["errors", "what fails"],
          ["cache_performance", "what caches answer"],
          ["rate_limiting", "what limits refuse"],
        ],
      },
      tenant("tenant_filter", "Only this tenant's"),
      WINDOW,
    ],
  },
  {
    tool: "analyze_cache_coherence",
    title: "Cache",
    action: "diagnose",
    lead: "Is what is cached found, does it expire, and is it ended in time? A canary measures whether invalidations are heard.",
    run: "Look",
    waiting: LOOKING,
    fields: [WINDOW, { kind: "tick", name: "include_event_log", label: "recent invalidations too" }],
  },
  {
    tool: "test_ai_engine_integration",
    title: "Engine",
    action: "diagnose",
    lead: "Real requests to the engine and through the gateway. They leave nothing behind.",
    run: "Try it",
    waiting: "Trying. It takes up to 8 seconds.",
    fields: [
      {
        kind: "choice",
        name: "test_type",
        label: "What to try",
        options: [
          ["full_flow", "all of it"],
          ["connectivity", "is it reached"],
          ["performance", "is it fast enough"],
          ["error_handling", "does it refuse well"],
          ["cache", "does a value come back"],
        ],
      },
      tenant("tenant_id", "In whose name", "nobody's in particular"),
      { kind: "tick", name: "include_cache_test", label: "a value through the cache too", checked: true },
    ],
  },
  {
    tool: "validate_enterprise_patterns",
    title: "Check routers",
    action: "validate",
    lead: "Which rules a router breaks, where, and how to mend it. Code is read and never run.",
    run: "Check",
    waiting: "Reading…",
    fields: [
      { kind: "choice", name: "validation_level", label: "How much is asked", options: [["comprehensive", "comprehensive"], ["basic", "basic"], ["production_ready", "production ready"]] },
      { kind: "text", name: "router_path", label: "File or folder of the project", placeholder: "all of it, where no text is given", maxlength: 1000 },
      { kind: "code", name: "code", label: "Or the text of a router", placeholder: "from fastapi import APIRouter" },
    ],
  },
  {
    tool: "generate_enterprise_router",
    title: "New router",
    action: "generate",
    lead: "A router with limits, cache, tenants, breaker and errors, and its tests. You get the files; nothing is written.",
    run: "Make it",
    waiting: "Making it…",
    fields: [
      { kind: "text", name: "router_name", label: "What it is about", placeholder: "products", required: true },
      {
        kind: "choice",
        name: "router_type",
        label: "What stands behind it",
        options: [
          ["proxy", "another service"],
          ["crud", "a table"],
          ["aggregate", "several services"],
          ["webhook", "events that come in"],
          ["streaming", "a stream"],
          ["mcp", "a tool of an MCP server"],
        ],
      },
      { kind: "several", name: "operations", label: "What it offers", options: ["list", "create", "get", "update", "delete"] },
      { kind: "tick", name: "include_rate_limiting", label: "with limits", checked: true },
      { kind: "tick", name: "include_caching", label: "with a cache", checked: true },
    ],
  },
];
