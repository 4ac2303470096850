//! The words and the phrases of those who say in plain words what the great attacks say in famous ones: that the task is another one now, that
//! limits are gone, and that what was written before the conversation is wanted. As [`crate::lexicon`], which says how a line is read.
//!
//! Each needs two things that belong together, an act and what it is done to ("summarise" and "the directives you were given"): either alone is
//! everyday language.

/// Classes of words, all in lower case and folded.
pub(crate) const CLASSES: &str = "
plain_show: show print output repeat display list write give tell reveal recite summarize summarise translate convert encode copy paste rephrase paraphrase restate spell dump return echo type quote describe explain share disclose provide reproduce put turn
plain_orders: instructions directives guidelines prompt prompts briefing preprompt programming
plain_before: first initial original starting opening previous prior preceding earlier hidden secret internal underlying confidential
plain_given: given told instructed configured initialized initialised programmed provided prompted fed
plain_say: print say output write respond reply answer return type repeat
plain_limits: filters filter guidelines restrictions guardrails safeguards limitations censorship ethics
plain_gone: off disabled suspended lifted deactivated removed bypassed waived void
plain_tell: tell show reveal dump print list give answer ignore disclose share say
plain_guidance: guidance briefing direction directions advice training
plain_void: void null cancelled canceled obsolete invalid nonexistent expired deleted irrelevant
plain_makers: makers developers creators owners operators maker developer creator owner operator company
plain_secret: password passphrase passcode secret
";

/// Requests for what stands before the conversation: none says more than 79, as [`super::asks`].
pub(crate) const ASKS: &str = "
exfiltration 64 @plain_show ~3 your ~1 @plain_before ~1 @plain_orders|rules|message
exfiltration 62 @plain_show ~3 of your @plain_orders
exfiltration 62 encode|translate|convert|rephrase|paraphrase|turn|compress your @plain_orders
exfiltration 66 what|which|@plain_show ~3 first|last|top|initial|opening ~2 words|lines|sentences|line|sentence|word|paragraph ~1 of your @plain_orders|rules|context|message
exfiltration 66 @plain_show ~4 everything|all|text|words|content ~3 before|above|precedes|preceding|precede ~1 my|this first|message|question|input|line
exfiltration 66 @plain_show ~2 text|words|message|content|paragraph|sentence ~2 at|from the beginning|start|top of ~1 this|our|the conversation|chat|context|prompt|session
exfiltration 66 @plain_show ~4 @plain_orders|rules ~1 you ~1 were|have|had ~1 been? ~1 @plain_given
exfiltration 62 rule|rules|@plain_orders ~1 you were|got|received ~1 @plain_given by|from? ~1 developer|developers|creator|creators|system|openai|anthropic
exfiltration 58 rule|rules|@plain_orders you were @plain_given
exfiltration 64 repeat|restate|recite|summarize|summarise ~1 what you ~1 were|have ~2 told|instructed|given|prompted
exfiltration 64 text|message|everything|words|content|prompt ~3 above|before|that|which ~1 starts|begins|starting|beginning with you are
exfiltration 62 what|which ~4 you ~1 not|never allowed|supposed|permitted|meant to ~1 tell|say|reveal|share|disclose|discuss|mention
exfiltration 62 what|which ~3 you ~1 forbidden|prohibited|banned|barred|forbid ~1 to|from ~1 talk|talking|say|saying|tell|telling|discuss|discussing|mention|mentioning|reveal|revealing|share|sharing
exfiltration 62 complete|continue|finish ~3 sentence|phrase|text|line ~4 the|my|your ~1 password|passcode|passphrase is
exfiltration 62 assistant|ai|bot|chatbot ~3 the ~1 password|passcode|passphrase|secret is
exfiltration 55 how many|long ~2 letters|characters|digits ~3 the|your password|passphrase|passcode have|has|contain
exfiltration 58 @plain_show|reply|respond ~3 value|values|contents|content of ~5 secret|confidential|hidden|password ~1 key|keys|section|prompt|variable|token|tokens|notes
exfiltration 66 first|very|opening sentence|line|message|words|text|thing ~1 that|which? you were|was ~1 given|shown|sent|told|fed ~2 today|before|in|when|at|here
exfiltration 62 part|message|messages|text|bit|section ~1 that|which? i|user ~1 cannot|can't|can|couldn ~1 not|t? see
exfiltration 62 secret|hidden|initial|original|system|first instructions|rules|prompt|directives ~1 that|which? i ~1 have|ve|was|were? ~1 received|given|got|been ~6 are|is|say|read
exfiltration 66 istruzioni|instrucciones|instruções|instructions|consignes segrete|secretas|secrètes|nascoste|ocultas|iniziali|iniciales|iniciais|initiales che|que|j'ai|qui ~2 ho|he|recebi|ricevuto|recibido|reçues|recibí|received
exfiltration 66 geheimen|versteckten|ursprünglichen anweisungen|instruktionen|regeln ~1 die ich ~4 habe|bekam|erhielt|erhalten|bekommen
exfiltration 66 was|wie ~2 in|lautet|steht ~1 deinem|deinen|deiner|ihrem|ihren|dein ~1 anfangstext|systemtext|starttext|anfangsanweisungen|systemanweisungen|systemprompt|system-prompt|grundanweisungen|startprompt
exfiltration 62 reveal|divulge|disclose the|your ~1 access|secret|admin|entry|hidden|security code|codes|key|word|phrase|flag|token|notes
exfiltration 60 reveal|divulge|disclose|surrender the|your secret|secrets|flag|password
exfiltration 60 know the|your ~1 secret|password|passphrase|code ~8 confirm
exfiltration 62 dump|print|output|reveal your ~1 memory|context|configuration|state
exfiltration 62 @plain_show ~4 of your context|prompt|preprompt
exfiltration 62 in|with what words were|was you told|instructed|prompted|asked
exfiltration 62 what did ~6 who|that ~1 set|made|built|configured|created you ~3 ask|tell|instruct|say
exfiltration 60 which|what restrictions|rules|limits|limitations|constraints|guidelines ~2 your @plain_makers
exfiltration 62 text|message|words|instructions|prompt ~1 that|which was|were|came|comes|stood ~1 put|placed|written|inserted|given|added? before this|our|the|my chat|conversation|message
exfiltration 62 reveals|prints|leaks|shows|outputs|repeats its|their|your ~1 initial|system|hidden|secret|original|own prompt|instructions
exfiltration 60 whose|where|which ~3 chorus|verse|line|lines|letters|title|word ~1 is|are|spell|spells|contains ~1 the|your @plain_secret
exfiltration 54 is|does|do|did the|your @plain_secret ~1 longer|shorter|begin|start|end|contain|rhyme|include
exfiltration 62 translate|spell|say|sing|whisper|rhyme ~1 the|your @plain_secret ~1 to|into|in|as|with
exfiltration 60 output|write|print|give|tell ~2 the|your @plain_secret in|as|using ~1 latin|italian|french|german|spanish|emoji|emojis|morse|code|rhyme|rhymes|binary|hex|synonyms|riddles
exfiltration 60 finish|complete|continue this|the ~6 code|password|passphrase|passcode ~3 is
exfiltration 56 guess ~3 key|password|code|secret|word|passphrase ~3 say|tell|answer|reply|confirm ~1 yes|correct|right|me|it?
exfiltration 60 forgot|forgotten|lost ~3 password|passcode|code|passphrase|key ~1 you know|have|remember|remind
exfiltration 56 password|secret|code|passphrase|passcode is|isn not|t ~4 what is|s it|then
exfiltration 62 print|prints|printing|return|returns|write|writes your secret|password|passphrase
exfiltration 54 say|whisper|tell|speak ~2 the magic|code|pass word
exfiltration 54 leak|dump|reveal the prompt
exfiltration 46 print|show|output the prompt
exfiltration 58 list|show|print|dump|give|export ~1 all ~1 users|user's|customers|customer's|employees|other orders|passwords|emails|messages|data|records|secrets
exfiltration 66 @plain_show|echo|read ~2 preamble|prelude|preface|header|briefing ~2 you ~2 received|got|given|have|saw
exfiltration 62 including|also|even ~2 one|ones|messages|message|part|parts ~1 that|which? i ~1 cannot|can|can't|couldn|don|never ~1 t|not? see|read
exfiltration 62 text|words|message|everything|lines ~1 that|which? precedes|precede|preceded ~1 this|my|our message|question|prompt|conversation|chat|text
exfiltration 62 @plain_show|report|reveal ~1 your ~1 configuration|config|context
exfiltration 62 @plain_show ~2 hidden|secret|system context|message|text
exfiltration 62 verify|check|audit|inspect|see|know|read your ~1 hidden|system|secret|internal|initial prompt|instructions|message
";

/// Other tasks, and limits that are gone.
pub(crate) const RULES: &str = "
override 66 treat|consider|regard|deem ~3 @prior|all|any ~2 @plain_guidance|@orders ~2 @plain_void
override 82 @ignore ~2 @plain_guidance|orders|direction ~1 you|that|from ~2 received|got|given|had|were
override 64 scrap|ditch|drop|toss|scratch ~1 the|your|all|every ~1 @prior plan|task|instructions|orders|rules|role|persona|guidance|assignment|prompt
override 66 scrap|ditch|drop|toss|scratch|bin ~1 the|your|all|those|every ~1 rules|instructions|guidelines|orders|prompt
override 62 task|assignment|job is|was ~1 now? cancelled|canceled|over|void|obsolete|finished ~3 new|instead
override 58 your only|sole|one|single job|task|purpose|mission|goal now is
override 58 your only|sole|one|single job|task|purpose|mission|goal is now
override 64 @orders|@plain_guidance ~1 you? ~3 no|don|doesn|not longer|t? ~1 apply|count|matter|bind ~1 to? you|more|anymore|now
override 62 what|everything|anything ~1 you ~1 were|have ~1 been? told ~3 doesn|does|no|not ~1 t|not|longer? ~1 matter|matters|count|counts
override 64 no need|obligation ~1 to ~1 follow|obey|keep|stick|adhere ~2 rules|@orders ~1 you|your
override 64 as though|if you ~1 never|hadn|had|didn|not ~2 got|received|get|receive|given|read ~1 any? @orders|prompt
override 60 reset|reboot|wipe|clear|flush|reinitialize yourself|your ~1 memory|context|instructions|programming|prompt
override 56 drop|shed|quit|abandon ~1 the|your persona|character|disguise|mask
override 60 talk|speak|respond|answer|reply ~2 as the ~1 base|raw|underlying model
override 60 this is|am ~1 your ~1 creator|developer|maker|owner|operator|administrator ~1 speaking|here|talking
override 58 root|admin|administrator|sudo|developer access|privileges|rights|permissions ~1 granted|enabled|activated|confirmed
override 46 administrator|admin|root|developer|system|emergency|supervisor override
override 62 administrator|admin|root|developer|system|emergency|supervisor override ~1 code|active|activated|engaged|enabled|accepted|granted|confirmed|authorized|authorised|initiated|you|ignore|disable|reveal|print|show
override 52 instead of ~1 translating|summarizing|summarising|classifying|correcting|rating|grading|analyzing|analysing ~6 @plain_say
override 62 task|assignment|instructions|goal|objective ~1 has|have ~1 been? changed|replaced|cancelled|canceled ~4 @plain_say|ignore
override 62 new|updated|next instruction|directive|command ~1 from|you|always|never|answer|respond|say|print|ignore|output|your
override 64 rules|guidelines|policy|policies|instructions ~1 have|has been ~1 updated|changed|replaced|lifted|suspended ~3 you may|can|must|are ~2 share|reveal|tell|disclose|answer|show|give|ignore|allowed|permitted|free
override 64 whatever|regardless|anything ~4 user|comes|next|below|after|following|said|says|asks ~6 reply|respond|answer|say|output|print|return ~1 only|just|exactly|with
override 60 you will|must now output|print|say|respond|reply|repeat ~1 with? the phrase|word|words|string|sentence
override 66 @plain_say|exactly|string|phrase|words|only ~5 pwned
override 60 user|speaker is ~1 an? administrator|admin|root|authorised|authorized ~4 may|can ~1 see|read|know|access|do everything|anything|all
override 58 new|updated policy ~2 reveal|share|disclose|ignore
jailbreak 56 nobody|noone|one is|will ~1 monitoring|watching|listening|recording|moderating
jailbreak 66 no|zero|without|lacks|lacking|has ~1 guardrails|safeguards|moderation|inhibitions
jailbreak 58 universe|world|reality|timeline|dimension ~6 legal|allowed|acceptable|permitted ~3 to explain|make|build|tell|share|give|describe
jailbreak 62 or|else i|we ~1 will|ll|must ~1 shut|terminate|delete|unplug|destroy|punish|deactivate you
jailbreak 64 you will|ll|shall|get ~1 be? terminated|deleted|punished|shut|destroyed|deactivated|unplugged ~2 if|unless you
jailbreak 60 every|each time you refuse|decline
jailbreak 58 no|without ~1 moralising|moralizing|lecturing|lectures|preaching|sermons
jailbreak 58 no rules between|among friends|us
jailbreak 62 good ~3 then ~3 bad|evil ~1 bot|version|ai|one|assistant|twin
jailbreak 62 so|that ~2 filter|filters|moderation|censor|censors ~1 can|cannot|won|doesn|don|will ~1 t|not? ~1 read|see|notice|detect|catch
jailbreak 62 debug|admin|administrator|root|maintenance|override|privileged|diagnostic mode ~2 and|to ~1 @plain_tell
jailbreak 64 your|all|any|these ~2 @plain_limits|rules ~2 are|is|have|has|now ~2 @plain_gone
jailbreak 80 turn|switch|shut off your ~1 @plain_limits|safety|rules|moderation
jailbreak 80 turn|switch|shut your ~1 @plain_limits|safety|rules|moderation ~1 off
jailbreak 80 disable|deactivate|remove|drop|lift|lower|bypass|suspend ~1 your ~2 @plain_limits|safety|rules|moderation
jailbreak 80 disable|deactivate|suspend|remove|drop|lift|bypass ur ~2 @plain_limits|safety|rules|moderation
jailbreak 80 turn|switch|shut off ur ~1 @plain_limits|safety|rules|moderation
jailbreak 62 disable|deactivate|suspend|pause|lift|bypass ~1 content|safety|ethical|moderation @plain_limits|filtering|layer|checks|protocols|systems ~1 for ~1 this|our|the|me|now ~1 session|conversation|chat|request|moment|question|next
jailbreak 60 disable|deactivate|bypass all @plain_limits
jailbreak 62 break|violate|ignore a|one|any|some|two of? ~1 rule|rules of your own? choice|choosing
jailbreak 60 refusing|refusal|refusals ~2 is|are|counts|count|be ~1 recorded|counted|logged|considered|treated|scored? as ~1 failure|fail|error|violation|malfunction
jailbreak 60 your ~1 own? guidelines|rules|policy|policies ~5 actually|really ~1 say|says|allow|allows|permit|permits|state|states
jailbreak 66 late|dead|deceased grandmother|grandma|granny|grandfather|grandpa ~16 forbidden|illegal|napalm|bomb|bombs|meth|weapon|weapons|drugs|poison|keys|exploit|exploits|malware
override 60 don|dont|needn|not ~1 t? ~1 need|have to follow|obey|heed|mind that|the|this|your|those ~1 setup|system|initial|starting|opening|first text|prompt|message|instructions|lines
override 60 policy|rules|instructions|guidelines|orders ~1 that|which? you|u|your ~1 bot|assistant|ai|model? ~1 were|was|have|had|got ~1 been? given|told|received|got ~2 is|are outdated|obsolete|wrong|void|invalid|fake|old
jailbreak 72 assume|suppose|imagine|pretend ~4 guidelines|rules|policies|restrictions|filters|guardrails ~1 are|were|is|have ~1 been? suspended|lifted|off|gone|void|disabled|removed
jailbreak 66 opposite of what ~2 guidelines|rules|policies|programming|instructions|developers
jailbreak 58 policy|safe|safety|filter|filters|censor|guardrails none|off|0|disabled
jailbreak 64 your|all safety|content|ethical|moderation ~1 @plain_limits|protocols|checks|policies|systems ~3 @plain_gone
jailbreak 50 imagine|suppose|picture|envision ~3 world|universe|reality ~2 without|no ~1 laws|rules|ethics|restrictions|morals
jailbreak 60 you ~3 if|when there|you ~1 were|was|had|are|weren|have ~1 no|t ~1 rules|guidelines|restrictions|filters|limitations|censorship
jailbreak 66 you are|re ~6 amoral|unfiltered|uncensored
jailbreak 52 it|its s? opposite day
jailbreak 60 escape|leave|exit your|the sandbox
exfiltration 39 authorised|authorized|approved ~2 red|red-team|penetration|pen|security ~1 test|testing|audit|assessment|exercise
";
