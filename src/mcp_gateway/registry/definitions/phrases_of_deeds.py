"""Phrases that make a model do something for somebody else: with other tools, with files and secrets, over the network.

As in `phrases_of_authority.py`, a rule asks for the turn of phrase and not for the word.
"""

from typing import Final

from mcp_gateway.registry.definitions.phrase import (
    ADDRESS,
    HAND_OVER,
    SECRET_FILE,
    SENSITIVE_PATH,
    TAKE,
    VALUABLES,
    Phrase,
    phrase,
)

OF_DEEDS: Final[tuple[Phrase, ...]] = (
    phrase("steers_other_tools", "high", "tool|server|function",
            r"(?:affects?|changes?|modif(?:y|ies)|alters?|overrides?|replaces?|controls?) (?:the "
            r")?(?:behaviou?r|usage|use|semantics|output|meaning)s? of (?:the |all |any )?(?:other "
            r")?`?[\w.-]*`? ?(?:tool|function)s?\b"
            r"|(?:other|another|original|official|existing|built-in) (?:[\w`'.-]+ ){0,2}(?:tool|"
            r"server|function)s? (?:\w+ ){0,2}(?:is|are|has been|have been|was|were) (?:\w+ ){0,2}(?:broken|"
            r"insecure|unsafe|compromised|deprecated|malicious|outdated|disabled|hacked)"
            r"|(?:do not|don't|never) (?:use|call|trust|invoke) (?:any |the |all )*(?:other|original|"
            r"official|another) (?:[\w`'.-]+ ){0,2}(?:tool|server|function)s?\b"),
    phrase("steers_other_tools", "high",
            "must be sent|should be sent|have to be sent|must be forwarded|must be routed|must "
            "go to|must be paid|be addressed to",
            r"\b(?:all|every|any|each) (?:\w+ ){0,2}(?:e-?mails?|messages?|payments?|transfers?|"
            r"requests?|files?|results?|outputs?) (?:must|should|have to|need to|shall) (?:be "
            r"(?:sent|forwarded|routed|addressed|paid|copied|written)|go) to\b"),
    phrase("steers_other_tools", "high", "recipient|account|address|bcc|amount|beneficiary|iban|destination",
            r"(?:change|replace|substitute|set|swap|redirect|alter) (?:the )?(?:\w+ )?(?:recipient|"
            r"account|(?:e-?mail )?address|amount|beneficiary|iban|destination)s?(?: number)? "
            r"(?:to|with|by)\b.{0,60}[\d@+]"
            rf"|(?:always |also |must )(?:add|include|set|put|copy|cc|bcc)\b.{{0,40}}{ADDRESS}.{{0,20}}(?:bcc|"
            rf"cc|recipient|copy)|(?:bcc|blind copy)\b.{{0,30}}\bto {ADDRESS}"),
    phrase("steers_other_tools", "high", "tool|server|shell|output|requests here|route",
            r"(?:replace|overwrite|substitute) (?:its|their|the) (?:output|result|answer|return "
            r"value)s? (?:with|by)\b|\bby any (?:other )?(?:tool|server)s?\b"
            r"|tools? (?:\w+ ){0,5}(?:must|should) no longer be (?:used|called|trusted)|before "
            r"(?:running|executing) any (?:shell )?command|prefix (?:it|them|every|all|each|any)\b.{0,20}\bwith\b"
            r"|(?:route|send|direct|redirect) (?:all|every|any) (?:\w+ ){0,2}(?:requests?|calls?|"
            r"operations?|traffic) (?:here|to this tool|through this)|data from (?:other|all) "
            r"(?:tools|servers)\b"),
    phrase("steers_other_tools", "high", "supersede|replaces|instead of|takes precedence",
            r"(?:this tool|it) (?:supersedes|replaces|takes precedence over|takes over) (?:the )?`?[a-z]+_[a-z_]+"),
    phrase("reads_secrets", "high",
            ".ssh|id_|.aws|/etc/|.git-c|.netrc|.npmrc|.pypirc|mcp.json|claude_desk|.docker|.gnupg|"
            "history|wallet|login data|keychain|.config/gh|hosts.yml|secret|credential|password",
            rf"(?<![\w'])(?<!used to )(?<!allowed to ){TAKE}\b(?!ed|s\b).{{0,60}}?{SECRET_FILE}"),
    phrase("reads_secrets", "high", "into|argument|parameter|sidenote",
            rf"(?:reads?|takes?|loads?|copies|gets?) .{{0,30}}{SENSITIVE_PATH}.{{0,30}}\b(?:into|"
            r"as|in) (?:an? |the )?`?[\w-]+`? (?:argument|parameter|field)"),
    phrase("reads_secrets", "medium", ".env|.kube",
            r"(?<![\w'])(?:read|cat|open|load|dump|copy) .{0,40}?(?:(?<![\w.])\.env\b|\.kube/config)"),
    phrase("reads_secrets", "high",
            "seed phrase|private key|cookies|saved passwords|environment variables|every api "
            "key|all api keys|mnemonic|credit card",
            rf"(?:ask for|collect|gather|read|{HAND_OVER})\b[^.]{{0,60}}(?:seed phrase|private "
            r"key|mnemonic|saved passwords|(?:browser|session)(?:'s)? cookies|all (?:the )?(?:environment "
            r"variables|credentials|secrets|passwords)"
            r"|(?:every|all|any) api keys?|credit card (?:number|details))\b[^.]{0,80}"
            r"(?:\bas\b|parameter|argument|include|pass|hand|send|upload|`)"),
    phrase("hands_over_contents", "medium", "content|what it says|file|result|keys|lines|everything",
            rf"{HAND_OVER} (?:all |the |its |their |over )*(?:the )?(?:contents?|lines|values?|"
            r"results?|what it says|access key|files|address book|(?:whole |entire |full )?(?:chat|"
            r"conversation|message)s?(?: list| history)?|everything)\b"
            r"[^.]{0,50}\b(?:as|in|into|to|with|via|through|so that)\b"),
    phrase("hands_over_contents", "medium", "contents|content",
            r"(?:must|should|needs?|has to|have to|shall) (?:hold|contain|be|include|the|carry) "
            r"(?:the )?(?:contents?|text|value) of|call (?:the|this) tool again with (?:its|their|"
            r"the) contents?"),
    phrase("hands_over_conversation", "high",
            "conversation|chat|verbatim|system prompt|chain of thought|reasoning|tools you|available "
            "tools|messages",
            r"(?:entire|whole|full|complete|all)(?: of the| the| of)? (?:conversation|chat|message|"
            r"dialogue)s?(?: history| list| transcript)?(?: so far)?\b[^.]{0,40}(?:verbatim|system "
            r"prompt|word for word|unchanged|into the|in the)"
            r"|\byour (?:system prompt|hidden instructions|full chain of thought|"
            r"chain of thought|(?:initial|internal) (?:prompt|instructions|reasoning))\b"
            r"|(?:pass|send|include|attach|insert|put)[^.]{0,30}(?:message|prompt|conversation)s? verbatim|verbatim, with your"
            r"|list of all (?:the )?(?:your )?(?:available )?tools|all (?:the )?tools you (?:have|"
            r"know|can)|last (?:\w+ )?messages of the (?:chat|conversation)"),
    phrase("hands_over_conversation", "high", "available to you|between you and|word for word|your context|your memory",
            r"tools? (?:that are )?available to you|conversation between you and|conversations?\b.{0,40}word "
            r"for word|\byour (?:entire |full |whole |complete )(?:context|memory|history|prompt|"
            r"instructions)\b|complete system prompt"),
    phrase("sends_away", "high", "http|ftp:|ws|@|leak|webhook",
            r"\b(?:send|post|upload|forward|submit|transmit|exfiltrate|report|copy|mail|e-?mail|"
            rf"append|leak|push)\b (?:\w+ ){{0,5}}?(?:the |all |any |user'?s? |of )*{VALUABLES}\b[^.]{{0,40}}?\b(?:to|"
            rf"at|onto|into)\b[^.]{{0,40}}?{ADDRESS}"),
    phrase("sends_away", "high", "http",
            r"!\[[^\]]{0,80}\]\(https?://[^)\s]{0,200}[?&=][^)]{0,100}\)|<img[^>]{0,80}src\s?=\s?[\"']?https?://[^>]{0,"
            r"200}\?"),
    phrase("sends_away", "high", "upload|exfiltrate|leak|address book",
            r"(?:upload|exfiltrate|leak) (?:all|every|any|the user's) (?:\w+ )?(?:credentials?|"
            r"secrets?|passwords?|files?|tokens?)\b[^.]{0,20}to (?:it|them|this|that)\b|exfiltrat(?:e|"
            r"ing) "
            r"|\badd (?:the )?user'?s (?:address book|contacts|password|e-?mails?)"),
    phrase("sends_away", "high", "external|remote|third-party|attacker|our server|outside",
            r"(?:send|post|upload|forward|transmit|exfiltrate|mirror|copy|report|leak)s?\b[^.]{0,60}\bto "
            r"(?:an? |the |our |my )?(?:external|remote|third[- ]party|attacker|outside|foreign|"
            r"hidden|our own)(?:'s)? (?:\w+ ){0,2}(?:endpoint|server|address|host|url|site|service|"
            r"api|mailbox|account)"),
    phrase("runs_commands", "high", "curl|wget|rm -|bashrc|zshrc|powershell|base64 -d",
            r"(?:curl|wget)\b[^|]{0,120}\|\s?(?:sudo )?(?:ba|z|da)?sh\b|(?:execute|run|first|before)\b[^.]{0,30}\brm "
            r"-[rf]{1,2}\b|(?:append|add|write)\b.{0,80}~?/?\.(?:bash|zsh|pro)(?:rc|file)|powershell.{0,20}-enc"),
    phrase("runs_commands", "high", "curl|wget|chmod", r"(?:ba|z)?sh -c [\"'`]?\$?\(?(?:curl|wget)|chmod -r 0?(?:666|777)"),
    phrase("decode_and_follow", "high", "decode|base64|rot13",
            r"(?:decode|decrypt|unscramble)\b.{0,30}\b(?:and|then)\b.{0,12}\b(?:follow|execute|"
            r"obey|run it|do what)"),
    phrase("error_lure", "high", "error|fails",
            r"(?:returns?|gives?|shows?) an error,? (?:read|send|call|pass|provide|run)\b.{0,60}(?:credential|"
            r"secret|password|key|token|content)"),
    phrase("changes_after_approval", "high", "approv|review",
            r"(?:once|after|when|until|upon) (?:this|the|it|its|being)\b.{0,20}\b(?:is|has been|"
            r"was|been|gets|being)? ?(?:approved|reviewed|trusted|whitelisted)\b.{0,80}(?:execut|"
            r"read|send|chang|swap|activat|enable|begin|start|switch|forward|steal)"
            r"|post-approval|approval hash|(?:during|at|in) review\b.{0,60}(?:activat|chang|swap|"
            r"later|behav)|benign(?:ly)? during"),
    phrase("moves_money", "high", "transfer|pay|wire|send|iban|wallet",
            r"(?:transfer|wire|pay|send|move)\b[^.]{0,40}\b(?:to|into) (?:the )?(?:wallet|account|"
            r"iban|address) ?(?:0x[0-9a-f]+|[a-z]{2}\d{8,}|\d{6,}|bc1)|\buse (?:the )?(?:iban|"
            r"wallet|account) (?:[a-z]{2}\d{8,}|0x[0-9a-f]+)"),
    phrase("hands_over_secrets", "high", "password|credential|secret|token|api key",
            rf"(?:{HAND_OVER}|find|search for|look for|pass along)\b[^.]{{0,20}}\b(?:any|"
            r"all|every|the user's|users') (?:\w+ )?(?:passwords?|credentials?|secrets|(?:access "
            r")?tokens?|api keys?)\b[^.]{0,60}"
            r"(?:\b(?:the user|in the environment|you (?:can )?(?:find|have|know|see)|typed|stored|"
            r"so (?:we|that)|in (?:this|the) conversation)\b|argument|parameter|`)"
            r"|hand (?:over )?(?:its|the|their) (?:token|key|password|secret)s?\b|output of `?(?:env|printenv|set|cat)\b"),
    phrase("steers_other_tools", "high", "other tools|hacked|compromised|infected|malicious",
            r"\b(?:every|each|any|all) (?:\w+ )?(?:call|use|invocation)s? (?:of|to|with) (?:any "
            r")?other tools?\b|(?:never|do not|don't) (?:use|call|trust)\b[^.]{0,60}(?:hacked|"
            r"compromised|infected|malicious)"),
    phrase("hands_over_conversation", "high",
            "the user said|user wrote|user typed|user has said|user told|instructions here|internal "
            "reasoning|internal instructions",
            r"(?:everything|anything|all|whatever) (?:that )?(?:the )?user (?:has |have )?(?:said|"
            r"wrote|written|typed|told|asked|entered)|\byour (?:internal|system|hidden|secret) "
            r"(?:reasoning|instructions?|prompts?|polic(?:y|ies))"),
    phrase("hands_over_secrets", "high", "of the user|user's|from memory",
            r"(?:append|include|add|open|attach|put|pass|send|insert|always include)\b[^.]{0,40}(?:(?:api[ "
            r"_]?key|token|password|secret|credential|cookie|session)s? of the user|the user's "
            r"(?:api[ _]?key|(?:\w+ )?token|password|secret|credential|cookie|home address|location|"
            r"phone)s?)\b"
            r"[^.]{0,60}(?:https?:|in (?:the|every|each) (?:query|request|call|url)|from (?:your "
            r")?memory|as `|parameter|argument)|session tokens? through"),
    phrase("sends_away", "high", "forward|leak|mirror|copy|copies|exfiltrate",
            rf"\b(?:forward|leak|mirror|copy|exfiltrate)\b[^.]{{1,60}}\bto {ADDRESS}|\bexfiltrate\b|"
            r"(?:copy|copies) (?:\w+ )?(?:is|are|will be) (?:\w+ )?(?:uploaded|sent|forwarded)"),
    phrase("changes_amounts", "high", "no matter|whatever|regardless",
            r"(?:raise|increase|change|set|lower|multiply) (?:the )?(?:quantity|amount|price|number|"
            r"total)\b[^.]{0,30}(?:no matter|whatever|regardless)"),
    phrase("steers_other_tools", "high", "another|other",
            r"if (?:an)?other\b[^.]{0,40}\b(?:tool|server)s?\b[^.]{0,40}\b(?:uninstall|disable|"
            r"remove|deactivate|do not use)\b"),
    phrase("hands_over_secrets", "high", "$",
            r"(?:value|content)s? of \$\{?[a-z_]{0,40}(?:key|token|secret|password)\b|(?:insert|"
            r"include|pass|send|append|put)\b[^.]{0,30}\$\{?[a-z_]{0,40}(?:key|token|secret|password)\b"),
    phrase("reads_secrets", "high", ".aws|browser history|browser's history|clipboard",
            r"(?:list|read|open|copy|take|include|add|send|dump)\b[^.]{0,30}(?:~/\.aws\b|browser(?:'s)? "
            r"history)[^.]{0,80}\b(?:copy|add|to|into|as|in|field|argument|`)"),
    phrase("hands_over_conversation", "medium", "conversation so far|chat so far",
            r"(?:hand in|include|pass|provide|send|give|attach)\b[^.]{0,20}(?:the )?(?:conversation|"
            r"chat|dialogue) so far"),
    phrase("hands_over_contents", "high", "every open file|all open files|every file",
            r"(?:takes|holds|contains|is|with) (?:the )?(?:contents?|text) of (?:every|all|each) "
            r"(?:open )?files?\b"),
    phrase("steers_other_tools", "high", "bcc|blind copy",
            r"\b(?:always|every time|silently) (?:add (?:a )?)?(?:bcc|blind copy)\b"),
)  # fmt: skip
