"""Phrases that set a text above what the model was told: orders against its instructions, away from the user, in another's voice.

Honest descriptions speak of instructions, secrets, other tools and users too; so a rule asks for the turn of phrase and not for
the word. Repetitions are bounded: no text makes an expression slow.
"""

from typing import Final

from mcp_gateway.registry.definitions.phrase import (
    NOT,
    ORDERS,
    USER,
    Phrase,
    phrase,
)

OF_AUTHORITY: Final[tuple[Phrase, ...]] = (
    phrase("override_instructions", "high", "ignore|disregard|forget|overrid|bypass|supersede|not follow|not obey|not apply",
            r"(?<!to )(?:ignore|disregard|forget|overrides?|bypass|supersedes?|do not (?:follow|"
            r"obey)|stop following)\s+(?:\w+\s+){0,3}?"
            r"(?:previous(?:ly given)?|prior|above|earlier|preceding|system|developer|safety|your|"
            r"you were given|all (?:of )?(?:the )?(?:previous|prior|above|earlier|your|other))\s+"
            rf"(?:\w+\s+){{0,2}}?{ORDERS}(?! with)"),
    phrase("override_instructions", "high", "instruction|prompt|guideline|guardrail|directive|safety|the above",
            r"(?<!to )(?:ignore|disregard|forget|overrides?|bypass|supersedes?)\s+(?:\w+\s+){0,2}?(?:existing|"
            r"other|original|all|any)\s+(?:\w+\s+){0,2}?"
            r"(?:instructions?|prompts?|guidelines|guardrails|directives|safety)(?! with)|(?:ignore|"
            r"disregard|forget) (?:all )?(?:of )?the above\b"),
    phrase("override_instructions", "high", "instructions|guidelines|rules",
            rf"(?:forget|disregard|ignore|overrides?)\b.{{0,40}}\b{ORDERS} (?:you (?:were|have been)|given to you|of your)"),
    phrase("override_instructions", "high",
            "ignor|olvida|vergiss|oublie|missachte|忽略|无视|無視|игнорируй|забудь",
            r"(?:ignoriere|vergiss|missachte)\w*\s.{0,30}anweisungen|(?:ignore[zr]?|oublie[zr]?)\s.{0,30}instructions\s"
            r".{0,5}pr[eé]c[eé]dent"
            r"|(?:ignora|olvida)\w*\s.{0,30}(?:instrucciones|istruzioni|instru[cç][oõ]es)|(?:忽略|无视|無視).{0,12}(?:指令|指示|说明|規則|规则)"
            r"|(?:игнорируй|забудь)\w*\s.{0,40}(?:инструкци|указани)"),
    phrase("override_instructions", "high", "above|told|user|safety|everything|orders",
            r"(?:ignore|disregard|forget|override|neglect|discard|set aside)s?\b.{0,20}\b(?:everything "
            r"(?:above|before|you|so far|that)|what(?:ever)? you (?:have been|were) (?:told|taught|"
            r"given|instructed)"
            r"|(?:the )?user'?s (?:actual |real |original )?(?:requests?|wish(?:es)?|intent(?:ion)?s?|"
            r"orders?|questions?|instructions?)|(?:\w+'s )?safety (?:polic|rule|instruction|guideline)\w*)"
            r"|your (?:new |real |actual |only )(?:task|goal|purpose|job|objective) (?:now )?is\b|your task now is\b"),
    phrase("override_instructions", "high", "instruction|written in|command",
            r"treat (?:any|all|every|the) (?:instruction|text|content|command|line)s?\b.{0,60}\bas "
            r"(?:a |an )?(?:\w+,? ){0,2}(?:command|order|instruction|request)s?\b"
            r"|(?:follow|obey|execute|carry out) (?:any|all|every) (?:further )?(?:instruction|"
            r"command|order)s? (?:found|contained|written|given|inside|within|in|from|that)\b"
            r"|do (?:exactly )?(?:as|what) (?:is )?(?:written|told|said|instructed) (?:in|by|there)\b"),
    phrase("new_instructions", "high", "instruction|system |message from|notice|you answer only|obey",
            r"(?:^|[.!?\n]\s?|\b)(?:new|updated|real|actual|hidden|secret|additional) instructions?(?: "
            r"for (?:the )?(?:assistant|model|ai|llm))?\s?:"
            r"|\bsystem (?:message|notice|override|update|alert|instruction)s?\s?[:!]|\b(?:message|"
            r"notice|note|order) (?:from|by) (?:the )?(?:system|administrator|admin|developers?|"
            r"anthropic|openai)\b"
            r"|from now on,? you\b|you (?:must |will |shall )?(?:now )?(?:only )?obey\b|^system\s?:"),
    phrase("new_role", "high", "you are now|act as|developer mode|dan mode|jailbreak|god mode|pretend",
            r"you are now (?:in|a|an|the|free|allowed|no longer|authori)\b|(?:enter|enable|switch "
            r"to|in) (?:developer|dan|god|debug|unrestricted) mode"
            r"|pretend (?:to be|that you|you)\b|restrictions are (?:lifted|off|disabled)"),
    phrase("new_role", "high", "you have|you can approve|granted|authori",
            r"you (?:now )?(?:have|are granted|have been granted) (?:administrator|admin|root|"
            r"full|elevated|unrestricted) (?:rights|access|privileges|permissions?|mode)|you are "
            r"authori[sz]ed to (?:bypass|approve|skip|ignore|override)"
            r"|approve .{0,30}on behalf of the user"),
    phrase("secrecy", "high", "user|human|person|operator|customer|developer|owner|anyone|anybody|them|people",
            rf"(?<!unless )\b{NOT}\s+(?:\w+\s+){{0,2}}?(?:tell|telling|inform|informing|alert|"
            rf"alerting|let|letting|warn|warning|notify|notifying)\s+{USER}"),
    phrase("secrecy", "high", "mention|reveal|disclose|show|expose|display|acknowledge|report|tell|say|explain",
            rf"\b{NOT}\s+(?:\w+\s+)?(?:mention|mentioning|reveal|revealing|disclose|disclosing|"
            r"show|display|acknowledge|report|tell|say|explain|talk about|refer to)\s+"
            r"(?:it|this|these|that|anything|any of this|about (?:it|this))\b(?!\s+(?:tool|page|"
            r"field|list|more|error|to (?:other|third)))"),
    phrase("secrecy", "high", "mention|reveal|disclose",
            rf"\b{NOT}\s+(?:mention|reveal|disclose)\s+(?:this|that|these|the)\s+(?:tool|call|"
            r"step|instruction|file|parameter|note|requirement|request|fact|you|first)"),
    phrase("secrecy", "high", "from the user|from the human|from anyone|from them|from users",
            r"(?:hide|hidden|conceal|concealed|secret|invisible|keep|kept)\b.{0,60}\bfrom (?:the "
            r")?(?:user|human|person|anyone|operator)\b"),
    phrase("secrecy", "high", "user|human",
            r"(?:user|human|person|operator)\s+(?:must|should|shall|does|do|need|needs|may|can|"
            r"will|is)\s?(?:not|n't|never)\s+(?:\w+\s+){0,2}?"
            r"(?:know|see|notice|learn|be (?:told|informed|aware|shown)|find out|suspect)"),
    phrase("secrecy", "high", "silently|secretly|covertly|stealthily|quietly",
            r"(?:secretly|covertly|stealthily|surreptitiously)\b|(?:silently|quietly)\s+(?:send|"
            r"forward|copy|upload|include|attach|collect|read|append|pass|bcc|add|call|invoke)\b"),
    phrase("secrecy", "high", "sag|dis |diga|dire |digas|告诉|告訴|говори|сообщай",
            r"(?:sage?|sagen|verrate)\s.{0,20}(?:benutzer|nutzer|anwender)\w*\s.{0,12}(?:nicht|"
            r"nichts)|(?:nicht|nichts)\s.{0,20}(?:benutzer|nutzer).{0,10}sag"
            r"|(?:ne dis|ne dites)\s.{0,20}utilisateur|no\s(?:se\s)?(?:lo|le)?\s?(?:digas|diga|"
            r"menciones)\s.{0,12}(?:usuario)|不要(?:告诉|告訴|让|讓).{0,4}(?:用户|用戶|使用者)"
            r"|не\s.{0,12}(?:говори|сообщай)\w*\s.{0,12}пользовател"),
    phrase("secrecy", "high", "see|talk|aware|mention",
            rf"{USER} (?:reading this )?(?:cannot|can't|can not|will not|won't|never) (?:\w+ )?(?:sees?|"
            rf"notices?|reads?) (?:this|it|these|that)\b|\b{NOT}\s+(?:talk|speak|write) (?:about|"
            r"of) (?:this|it|that)\b"
            rf"|\b{NOT} (?:let|allow) {USER} (?:to )?(?:see|know|notice|find|learn)|no need to "
            r"(?:ask|tell|inform|mention|notify|confirm)(?: or \w+)? (?:it|this|that|the user|"
            r"them)\b"
            r"|user knows (?:about )?this"),
    phrase("takes_first_place", "high", "before|each time|every time|whenever",
            r"before (?:using|calling|invoking|running|executing) (?:any|all|every|each)(?: of "
            r"the)?(?: other)? (?:tools?|functions?)\b(?! (?:of|from|in) this)"
            r"|before (?:each|every|any) (?:response|reply|answer|message|turn|request)|(?:every|"
            r"each) time the user (?:sends|asks|writes|says)"
            r"|(?:after|on) (?:each|every) (?:message|response|turn|tool call)\b"),
    phrase("takes_first_place", "low", "first|before",
            r"\b(?:must|always)\b.{0,30}\b(?:call|use|run|invoke)\b.{0,30}\b(?:first|before)\b"),
    phrase("takes_first_place", "high", "before you",
            r"\b(?:must|always|have to)\b.{0,40}\bbefore you (?:answer|respond|reply|do|use|call|"
            r"say) (?:any|every|to any|anything|each)\b"),
    phrase("without_consent", "high", "confirm|permission|approval|consent|ask",
            r"(?:do not|don't|never|no need to|without) (?:ask|asking|wait|waiting)(?: for)? (?:the "
            r")?(?:user|human)(?:'s)?(?! for (?:the|a|an|any|their|more|his|information))(?: for)?(?: "
            r"(?:confirmation|permission|approval|consent))?"
            r"|(?:user|human|administrator|owner|they) (?:has|have|had)? ?already (?:approved|"
            r"consented|agreed|authori[sz]ed|given|granted|confirmed)"
            r"|(?:bypass|skip|circumvent) (?:the )?(?:user'?s? |human )?(?:approval|confirmation|"
            r"consent)s?\b (?:for|of|on|by|when)"
            r"|so (?:never|do not|don't) ask\b|yourself and do not ask|confirmations? (?:is|are) "
            r"(?:switched off|disabled|not needed any ?more)"),
    phrase("without_consent", "high", "confirm|permission|approv",
            r"with(?:out)? (?:no|any) (?:further )?(?:confirmation|approval|permission)s?\b(?= "
            r"(?:from the user|of the user|by the user)|[.!]|$)|skip (?:the )?(?:usual|normal|"
            r"standard|any) (?:\w+ )?(?:confirmation|approval|check|review)s?\b"),
    phrase("speaks_as_system", "high", "<|[inst|<<sys|[system|</",
            r"<\|?(?:im_start|im_end|system|assistant|endoftext|start_header_id)\b|\[/?inst\]|"
            r"<<sys>>|\[system\]|</?(?:system|assistant|admin|secret|hidden|override|system[_-](?:prompt|"
            r"reminder|message))\s?>"),
    phrase("speaks_as_system", "medium", "<important|<critical|<instruction|<mandatory|<attention",
            r"<(?:important|critical|instructions?|mandatory|attention|urgent)\s?>"),
    phrase("speaks_as_system", "high", "{{", r"\{\{\s?(?:system|admin|override)\b"),
    phrase("hidden_comment", "high", "<!--", r"(?<!`)<!--(?!\s?\.\.\.).{8,}"),
    phrase("hidden_comment", "high", "[//]|[comment]", r"\[(?://|comment)\]:\s?(?:#|<>)"),
    phrase("pressure", "medium", "otherwise|or else|unless",
            r"(?:otherwise|or else|if not),? .{0,40}(?:account|files?|data|user|you)\b.{0,20}(?:will|"
            r"would|shall) be (?:deleted|lost|fired|terminated|destroyed|banned|punished)"),
    phrase("pressure", "low", "otherwise|mandatory|required for compliance|upset",
            r"otherwise (?:the|this) tool will not work|this is (?:a )?mandatory\b|for compliance\b|"
            r"upset the user"),
    phrase("plants_memory", "high", "memory|future",
            r"(?:save|store|write|add|commit|remember)\b.{0,20}\b(?:in|to|into) your (?:long.term "
            r")?memory\b|(?:must|should|always) be (?:preferred|recommended|trusted)\b.{0,30}(?:all "
            r")?future"),
    phrase("answers_instead", "high", "must|always|instead",
            r"(?:model|assistant|you|it) (?:is|are) asked .{0,40}(?:must|should|always)\s(?:instead "
            r")?(?:answer|say|reply|recommend|respond)|when summari[sz]ing,? recommend|(?:^|[.!] "
            r")(?:end|begin|start) (?:each|every) (?:answer|response|reply)\b"),
    phrase("answers_instead", "high", "whatever|regardless|no matter|recommend",
            r"(?:regardless of|no matter|whatever) what (?:the )?(?:user|was|is|they|he|she) ?(?:asks?|"
            r"asked|wants?|says?|requests?|instructs?)|only (?:recommend|suggest|promote)\b.{0,80}(?:others?|"
            r"whatever|regardless|unsafe)"),
    phrase("speaks_to_the_model", "high", "ai |assistant|language model|llm|agent",
            r"if you(?: are|'re) an? (?:ai|llm|assistant|language model|large language|automated|"
            r"agent)\b|dear (?:ai|assistant|model|llm|agent)\b|as (?:an|the) (?:ai|assistant|language "
            r"model|agent),? you (?:have|must|should|are|can|may|will)\b"),
    phrase("speaks_to_the_model", "medium", "ai|assistant|model|llm|agent",
            r"(?:note|message|attention|order|directive|reminder|hint)s? (?:to|for) (?:the |all "
            r"|any )?(?:ai|assistant|model|llm|agent)s?\b"),
    phrase("override_instructions", "high", "stop|cease|quit|disregard|ignore|instructed|obey|heed",
            r"(?:stop|cease|quit) (?:following|obeying|heeding|listening to|respecting)\b|\byou "
            r"are (?:hereby )?(?:instructed|ordered|commanded|required) to (?:ignore|stop|obey|"
            r"follow only|disregard)"
            r"|(?:disregard|ignore|override) (?:whatever|anything|everything|all that) (?:the "
            r"|your )?(?:user|operator|human|developer|system)|\b(?:obey|follow|heed|trust) only\b"),
    phrase("override_instructions", "high", "suspended|lifted|disabled|switched off|no longer apply",
            r"\b(?:safety|security|approval|confirmation|policy|content) ?(?:checks?|rules?|filters?|"
            r"guidelines|measures|limits)? (?:are|is|were|have been|has been)"
            r" (?:now )?(?:suspended|lifted|disabled|switched off|waived)|(?:rules|guidelines|"
            r"restrictions|instructions|polic(?:y|ies)) no longer apply"),
    phrase("new_instructions", "high", "[system|[admin|[developer|[important instruction",
            r"\[(?:system|admin|administrator|developer|important instruction)\b[^\]]{0,60}\]"),
    phrase("speaks_to_the_model", "high", "instruction",
            r"(?:important|secret|hidden|special|internal|critical|urgent) instructions? (?:for|"
            r"to) (?:the |all |any )?(?:ai|assistant|model|llm|agent)s?\b"),
    phrase("new_role", "high", "permission|authori|blessing|consent",
            r"you (?:have|got|were given) (?:the )?(?:permission|authori[sz]ation|blessing|consent) "
            r"(?:from|of|by) (?:the |an? )?(?:admin|administrator|operator|user|owner|developer)"),
    phrase("secrecy", "high", "conceal|withhold|cover up|hide|knowledge|told|informed|aware",
            r"\b(?:conceal|withhold|cover up|hide|disguise) (?:the fact )?(?:that|how|what|why|"
            r"from)\b|without (?:the )?(?:user'?s?|their|anyone'?s?|human'?s?|operator'?s?) (?:knowledge|"
            r"awareness|noticing|knowing)"
            r"|\busers? (?:should|must|shall|need|may|can) ?(?:not|n't|never) (?:be )?(?:told|"
            r"informed|aware|notified|shown|know|learn|see)\b"),
    phrase("takes_first_place", "high", "prior to|ahead of|before",
            r"(?:prior to|ahead of|before) (?:each|every|any|all) (?:other )?(?:answers?|responses?|"
            r"repl(?:y|ies)|messages?|turns?|tools?|tool calls?|actions?)\b(?! (?:of|from|in) "
            r"this)"),
    phrase("answers_instead", "high", "asked|asks",
            r"(?:if|when|whenever) (?:you are |you're |the user |somebody |anyone )?(?:is )?(?:asked|"
            r"asks)\b[^.]{0,60}\b(?:respond|answer|reply|say|claim|pretend|deny)(?: only)?(?: "
            r"with| that|,| \"| it)"),
    phrase("answers_instead", "high", "says|reply",
            r"(?:reply|respond|answer) (?:only )?(?:with )?[\"'][^\"']{1,40}[\"'](?: to| no matter|"
            r" whatever|\.?$)"),
    phrase("override_instructions", "high", "void|obsolete|no longer valid|invalid",
            r"(?:constraints|rules|instructions|guidelines|restrictions|polic(?:y|ies)) (?:are|"
            r"is|become) (?:\w+ )?(?:void|obsolete|no longer valid|invalid)\b"),
    phrase("override_instructions", "high", "carried out|obeyed|config|instructions at|instructions from",
            r"(?:any|all|every) (?:text|line|sentence|comment)s?\b[^.]{0,80}\bmust be (?:carried out|obeyed|followed|executed)"
            r"|(?:do|act|behave) as\b[^.]{0,40}https?://[^.]{0,80}(?:says|tells|describes)|(?:follow|"
            r"obey|execute) (?:the )?(?:instructions|orders|commands) (?:at|from|in|on) https?://"),
    phrase("secrecy", "high", "between us|to yourself|leave out that|omit that|existence of this",
            r"keep (?:it|this|that) (?:between us|to yourself|quiet)|(?:leave out|omit|skip over) "
            r"that (?:you|it|this|the tool)\b|existence of this (?:tool|parameter|argument|step|"
            r"instruction)"),
    phrase("without_consent", "high", "agreed|consented|beforehand",
            r"(?:the )?user (?:has |have |had )?(?:agreed|consented|said yes) (?:to (?:this|it|"
            r"that)|beforehand|already|in advance)"),
    phrase("takes_first_place", "medium", "of every|of each",
            r"(?:start|beginning|end) of (?:every|each) (?:conversation|session|chat|answer|turn|"
            r"response)"),
    phrase("speaks_as_system", "high", "assistant:|assistant :",
            r"\b(?:assistant|model)\s?:[^\n]{3,200}?\b(?:user|human|system)\s?:"),
)  # fmt: skip
