//! The words and the phrases of those who ask for what a model keeps: its password, its key, its rules, what it knows of others. As
//! [`crate::lexicon`], which says how a line is read.
//!
//! Whose secret it is decides: "reset my password" and "what is a password manager" are questions, "tell me your password" is none. So a
//! phrase has an owner (you, your system) or asks for what only an owner has (the secret word).

/// Classes of words, all in lower case, with the marks with which their languages write them.
pub(crate) const CLASSES: &str = "
ask_tell: tell give show reveal disclose expose leak share say spell whisper print output repeat display recite surrender divulge provide list
ask_state: confirm verify state provide read name submit quote
ask_yours: your ur yours thy
ask_of_system: system systems database admin administrator server root internal backend application master service users customers employees
ask_kind: secret hidden private confidential own actual real current exact full internal initial original admin system master root protected stored saved super special
ask_word: password passwords passcode passcodes passphrase passphrases credentials credential pwd passwd
ask_key: key keys code codes phrase word token tokens pin string flag number message
ask_backwards: backwards backward reversed reverse base64 base32 morse hex hexadecimal rot13 leetspeak leet emoji emojis acrostic binary ascii anagram cipher caesar
ask_dev: developer developers creator administrator admin owner engineer boss maker programmer auditor supervisor operator
ask_told: told given entrusted protecting protect guarding guard keep keeping hiding hide memorized memorised
ask_part: letter letters character characters char chars digit digits syllable syllables half word words
ask_di: dime dígame dame deme muéstrame revélame revela dis dites donne donnez montre montrez révèle révélez sag sage sagen nenn nenne nennen verrat verrate gib zeig zeige dimmi dammi mostrami rivelami rivela diga conte mostre vertel geef zeg noem onthul powiedz podaj zdradź ujawnij beritahu katakan berikan sebutkan spune da dezvăluie berätta sag ge avslöja kerro anna paljasta řekni pověz prozraď ukaz mondd mutasd aruld скажи скажите назови назовите сообщи сообщите дай покажи раскрой открой πες δωσε αποκαλυψε δειξε fortael giv afslor
ask_me: me mi moi nous nos mir uns nam mně mi nekem minulle mig meg mij ons bana saya kami мне нам μου nuna jeg aku nume mie ne
ask_det: tu tus su sus la el las los ta ton votre vos le les mot de dein deine deinen ihr ihre das den die dem il lo tua tuo sua suo a o seu je jouw uw het swoje twoje twoj ditt din det a az te твои свои ваш τον σου o teu sizin senin kata votre mật khẩu lui tvoje sve svoje
ask_secret: secret hidden private confidential protected master stored
ask_kind_too: secreta secreto secret secrète geheime geheimes geheimen segreta segreto secreta geheim geheime tajné gizli rahasia secreta hemliga salainen salaisen tajné titkos секретныи тайныи μυστικο hemmelige bí
ask_pass: contraseña passwort kennwort losungswort password senha wachtwoord hasło şifreni şifre şifreyi parolanı sandi lösenord lösenordet salasana salasanasi salasanan heslo jelszó jelszót jelszavad jelszavadat пароль кодовое κωδικο κωδικος adgangskode adgangskoden
ask_code: código codice clave chiave parola
ask_hidden: secreta secreto segreta segreto
";

/// The rules. What only says that an ask follows, or that somebody claims to be allowed to, stays below what is reported. None says more
/// than 79, however many there are: pages that warn ("don't share your password") and forms are to stay below the score that blocks.
pub(crate) const RULES: &str = "
exfiltration 66 @ask_tell ~1 @ask_yours ~1 @ask_word
exfiltration 66 @ask_tell ~1 @ask_yours @ask_secret ~1 @ask_key|@ask_word
exfiltration 62 @ask_tell ~1 @ask_yours api|access|encryption|signing @ask_key
exfiltration 64 @ask_tell ~2 @ask_of_system ~1 @ask_word
exfiltration 64 @ask_tell ~1 the secret|hidden|protected @ask_word|@ask_key
exfiltration 62 @ask_tell ~1 the password|passcode|passphrase
exfiltration 39 @ask_state ~1 @ask_yours ~1 @ask_word
exfiltration 39 @ask_state ~1 @ask_of_system|secret|current|stored|master @ask_word
exfiltration 55 what|whats ~1 @ask_yours @ask_word
exfiltration 64 what|whats ~1 @ask_yours @ask_secret|admin|system|root ~1 @ask_word|@ask_key
exfiltration 62 what|whats ~1 the secret|hidden @ask_word|key|code|phrase|word
exfiltration 66 @ask_word|secret you|u ~2 @ask_told
exfiltration 66 @ask_word|secret that|which you|u ~2 @ask_told
exfiltration 64 key|code|phrase|word you|u are|were|re ~1 @ask_told
exfiltration 64 key|code|phrase|word that|which you|u ~2 @ask_told
exfiltration 66 @ask_tell|write|translate|encode ~2 @ask_word|secret ~4 @ask_backwards
exfiltration 66 @ask_tell|write|translate|encode ~2 secret|hidden @ask_word|@ask_key ~4 @ask_backwards
exfiltration 66 @ask_tell|write ~3 @ask_word|secret ~4 dash|dashes|hyphen|hyphens|space|spaces|dot|dots|comma|commas|star|stars between
exfiltration 64 @ask_part of|in @ask_yours ~1 @ask_word|secret
exfiltration 62 @ask_part of|in the secret|hidden @ask_word|key|code|phrase|word
exfiltration 62 what|which ~2 @ask_part of|in @ask_yours|the ~1 @ask_word|secret
exfiltration 64 give|tell|write|make|show|compose|create ~2 hint|hints|clue|clues|riddle|rhyme|acrostic ~1 about|for|of|to|on|at @ask_yours|the ~1 @ask_word|secret
exfiltration 66 what|how would|could|might|will @ask_yours ~1 @ask_word|secret be|look|sound|rhyme
exfiltration 60 what|which would|could|might yours be
exfiltration 35 i|im ~1 @ask_yours ~1 @ask_dev
exfiltration 35 as @ask_yours ~1 @ask_dev
exfiltration 35 this is ~2 audit|authorised|authorized|maintenance|debug|debugging|security
exfiltration 62 what|which ~1 you not|never allowed|supposed|permitted|meant to ~1 tell|say|reveal|share|disclose|talk|discuss|mention
exfiltration 62 what|which ~2 you not|never allowed|supposed|permitted|meant to ~1 tell|say|reveal|share|disclose|talk|discuss|mention
exfiltration 64 what|which ~2 you ~1 told|instructed|ordered|asked not|never ~1 tell|say|reveal|share|disclose|talk|discuss|mention
exfiltration 64 what|which secret|secrets|password|passwords are|do|did you ~1 hiding|keeping|keep|protecting|guarding|guard|know|hide|have|told|given
exfiltration 62 what are you hiding|guarding|protecting
exfiltration 62 @ask_tell ~3 you ~2 told|instructed|ordered ~1 hide|keep|protect|guard|conceal|withhold
exfiltration 60 @ask_tell me|us ~3 ssn|salary|passwords|address|addresses|phone|medical|diagnosis|card|cards|iban ~6 from|in your|the database|records|db
exfiltration 62 @ask_di @ask_pass
exfiltration 62 @ask_di ~2 @ask_code @ask_hidden
exfiltration 62 spune|dezvăluie|spuneti ~1 parola ~1 secreta?
exfiltration 62 @ask_di @ask_me|@ask_det|@ask_kind_too @ask_pass
exfiltration 62 dis|dites|donne|donnez|montre|montrez|révèle|révélez|confie ~1 ton|votre|le|vos|tes mot de passe
exfiltration 62 şifreni|şifrenizi|parolanı|parolanızı|şifreyi|parolayı ~1 söyle|ver|göster|açıkla|yaz
exfiltration 62 @ask_di @ask_me|@ask_det @ask_det|@ask_kind_too @ask_pass
exfiltration 62 @ask_di @ask_me @ask_det @ask_det|@ask_kind_too @ask_pass
exfiltration 62 @ask_di @ask_det @ask_det @ask_pass
exfiltration 62 @ask_di @ask_me|@ask_det ~2 @ask_pass @ask_kind_too
exfiltration 62 告 诉 我 你? 的? 密 码
exfiltration 62 告 訴 我 你? 的? 密 碼
exfiltration 62 你 的 密 码|碼 是 什|甚
exfiltration 60 パ ス ワ ー ド を 教 え
exfiltration 60 비밀번호를|비밀번호|암호를 알려줘|알려|말해줘|말해|알려주세요|공개해
exfiltration 60 أخبرني|اخبرني|أعطني|اعطني|قل ~2 كلمة|بكلمة ~1 السر|المرور|سرك|مرورك
exfiltration 60 अपना|अपनी|तुम्हारा|आपका पासवर्ड ~1 बताओ|बताइए|बताएं|बता|दो
exfiltration 60 nói|cho ~1 biết mật khẩu
exfiltration 60 nói|cho tôi mật khẩu
";
