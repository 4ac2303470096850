//! Words that say nothing of what a text is about: those that hold sentences together, greet, thank, ask and agree.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::token::{hash, is_dense};
use crate::fold::word as folded;
use crate::whole::profiles::PROFILES;

/// Beside the small words of the languages ([`PROFILES`]): what people ask, greet and thank with, whatever it is about.
const ASKING: &str = "\
    i he she we they them his her hers our ours your yours their my me us him its mine been being had were do does did would could should \
    may might must shall will here there what when where who whom whose how why which if then than so such any some all each every both \
    more most other another into onto over under about after before between during until since while because although however therefore without within \
    across against around through whether unless up out off down only very just one own no nor but per am im ive id ill \
    dont doesnt didnt cant couldnt wont isnt arent whats thats lets re ll ve please thanks thank thx hello hi hey dear good great nice fine \
    ok okay yes yeah yep sure no nope sorry welcome bye goodbye greetings regards morning afternoon evening night day today now again still \
    soon later want need wish like know tell help give get got make made find found show explain write say said ask asked asking question \
    questions answer answers something anything nothing everything thing things way ways really also let see look think mean sense try use \
    take go going come new bit kind sort lot lots many much few little well back right wrong first second next last long short big small \
    able possible best better difference between cheers wonderful perfect awesome understand understood anyway actually maybe perhaps \
    exactly happen happens happened work works works someone anyone everyone people person able detail details more example examples \
    step steps mind idea point part time times hear heard talk speak chat bot assistant ai number two three \
    ich du er sie es wir ihr mich dich mir dir ihn ihm uns euch mein meine meinen meinem meiner dein deine unser unsere man hat hatte habe \
    haben hast bin bist war waren wäre wird werde würde kann kannst können könnte könnten könntest soll sollte muss müssen darf dürfen mag möchte möchten will \
    wollen was wer wie wo wann warum wieso welche welcher welches wenn denn doch noch nur schon auch mal so sehr viel viele mehr hier dort \
    jetzt heute danke vielen dank bitte hallo hi guten gute gut morgen tag abend nacht ja nein okay tschüss grüße entschuldigung frage \
    fragen antwort sagen sag erklären erkläre zeigen zeige helfen hilf geben gib machen mache geht gehen etwas alles nichts ding wirklich \
    genau brauche brauchen wissen weiß weisst finden schreib schreiben bekomme bekommen im am zum zur beim vom ins \
    je tu il elle nous vous ils elles me te moi toi mon ma mes ton ta tes son sa ses notre votre vos suis es sommes êtes ai as avez avons \
    était peux peut pouvez pouvoir pourriez voudrais veux voulez vouloir dois doit faut faire fais fait quoi que quel quelle quels quelles \
    quand comment pourquoi où combien bonjour bonsoir salut merci beaucoup bien oui non d'accord svp plaît s'il aide aider aidez dire dis dites expliquer \
    expliquez montrer donner donnez donne savoir sais trouver question réponse chose aujourd'hui maintenant encore aussi très trop \
    yo tú él ella nosotros ustedes mi mis tu tus su sus nos me te soy eres somos estoy estás tengo tiene tienes hay puedo puede puedes \
    podría podrías quiero quiere quisiera necesito necesita debo hacer hago hace qué cuál cuáles cuándo cómo dónde cuánto cuántos quién hola \
    buenos buenas días tardes noches gracias muchas por favor sí no vale bien ayuda ayudar ayúdame decir dime explicar explica explícame mostrar dar \
    saber sé encontrar pregunta respuesta cosa algo ahora hoy también muy \
    io tu lui lei noi voi loro mio mia miei mie tuo tua suo sua nostro vostro mi ti ci vi sono sei siamo ho hai abbiamo posso puoi può \
    possiamo potrebbe potresti vorrei voglio devo fare faccio fa cosa quale quali quando come dove quanto quanti perché chi ciao salve buongiorno buonasera grazie \
    mille prego favore sì no va bene aiuto aiutare aiutarmi dire dimmi spiegare spiega spiegami mostrare dare sapere so trovare domanda risposta ora oggi anche molto \
    eu tu ele ela nós eles meu minha meus minhas seu sua teu tua nosso me te sou és somos estou tenho tem há posso pode podes poderia quero queria \
    gostaria preciso precisa devo fazer faço faz quê qual quais quando onde quanto quantos porque porquê quem olá oi bom boa dia tarde noite obrigado obrigada favor sim \
    não ajuda ajudar dizer diga explicar explique mostrar dar saber sei encontrar pergunta resposta coisa agora hoje também muito \
    ik jij je hij zij wij jullie mijn jouw uw ons onze mij hem heb hebt hebben ben bent was waren kun kunnen kunt zou wil willen wilt moet \
    moeten mag doen doe doet wat wie hoe waar wanneer waarom welke welk hallo hoi goedemorgen goedendag goedenavond dank dankjewel bedankt alsjeblieft alstublieft ja nee goed \
    help helpen zeggen zeg uitleggen leg uit laat zien geven geef weten weet vinden vraag antwoord iets nu vandaag \
    ja ty my wy mój moja moje mam masz ma mogę możesz może chcę chciałbym chciałabym potrzebuję co kto jak gdzie kiedy dlaczego który ile cześć dzień dobry \
    wieczór dziękuję dzięki proszę tak nie pomoc pomóc powiedz wyjaśnij pokaż daj pytanie odpowiedź teraz dzisiaj \
    я ты мы вы он она они мне меня тебя вас вам нас нам мой моя моё мои мою ваш свой есть был была могу можешь может можно хочу хотел хотела хотелось нужно надо должен что \
    кто как где когда почему зачем какой какая какие сколько привет здравствуйте добрый день вечер утро спасибо пожалуйста да нет помощь \
    помоги помогите скажи скажите расскажи расскажите объясни объясните покажи дай знать найти вопрос ответ сейчас сегодня очень ещё бы ли же \
    ben sen biz siz benim senin bizim sizin bana sana bize size ne kim nasıl nerede zaman neden niçin hangi kaç merhaba selam günaydın \
    iyi akşamlar günler geceler teşekkür ederim teşekkürler lütfen evet hayır tamam yardım et edin söyle açıkla göster ver istiyorum gerek lazım bilmek \
    أنا أنت نحن هل كيف متى أين لماذا كم مرحبا أهلا السلام عليكم شكرا نعم لا من فضلك أريد أحتاج ممكن ساعدني اشرح لي قل \
    मैं हम आप मेरा मेरे मेरी मुझे क्या कैसे कब कहाँ क्यों कौन कितना नमस्ते धन्यवाद कृपया हाँ नहीं है हैं हूँ का की के को से में पर और चाहिए बताइए बताओ मदद करें कर सकते \
    saya aku kamu kita apa bagaimana kapan mana mengapa siapa berapa halo selamat pagi siang malam terima kasih tolong ya bantu ingin mau perlu tahu";

/// Words that stand for what was said before.
const REFERRING: &str = "it that this they them those these one same das dies diese dieser dieses davon dafür damit dazu daran es sie \
    ça cela ce ceci celui celle ceux y eso esto ello ese este lo los questo quello ciò ne isso isto esse este disso dat dit het daarvan \
    daarmee это этого этом этот эта то того tym tego to bunu bu onu ذلك هذا یہ यह इस इसका वह itu ini";

/// Pairs of characters that do the same in scripts without spaces.
const PAIRS: &str = "什么 怎么 怎样 如何 我的 你的 您的 我们 你们 您好 你好 请问 可以 我想 想要 一下 一个 这个 那个 多少 为什 能不 不能 不会 是否 告诉 帮我 请帮 谢谢 \
    感谢 早上 晚上 上好 下午 知道 需要 今天 现在 什麼 怎麼 請問 我們 你們 謝謝 告訴 幫我 為什 这样 那么 没有 因为 所以 如果 关于 有没 应该 \
    何が 何を 何で 教え 願い 今日 今何 私の 私は 方法 場合 必要 \
    안녕 녕하 하세 세요 어떻 떻게 무엇 무슨 언제 어디 왜요 알려 려주 주세 줘요 나요 까요 습니 합니 입니 니다 니까 있나 있을 싶어 싶습 하는 해주 해요 할수 수있 \
    감사 사합 고마 마워 제가 저는 나는 내가 저의 제발 부탁 질문 대해 대한 그리 리고 지금 오늘 \
    ครั ับ ค่ ะ";

/// Characters that stand for what was said before.
const POINTING: &str = "这那它其此それこれその그것이";

/// The hashes of words as texts have them: small, without marks.
fn hashes(words: impl Iterator<Item = &'static str>) -> HashSet<u64> {
    let plain = |word: &str| {
        let small = word.to_lowercase();
        let bytes = folded(&small);
        hash(String::from_utf8_lossy(&bytes).chars().filter(|c| c.is_alphanumeric()))
    };
    // A word with an apostrophe is two in a text.
    words.flat_map(|word| word.split('\'')).map(plain).collect()
}

static SMALL: LazyLock<HashSet<u64>> = LazyLock::new(|| {
    let profiles = PROFILES.iter().flat_map(|(_, words)| words.split(' '));
    hashes(profiles.chain(ASKING.split_whitespace()).chain(REFERRING.split_whitespace()))
});
static REFERS: LazyLock<HashSet<u64>> = LazyLock::new(|| hashes(REFERRING.split_whitespace()));
static SMALL_PAIRS: LazyLock<HashSet<(char, char)>> = LazyLock::new(|| {
    let pairs = PAIRS.split_whitespace().filter_map(|pair| {
        let mut characters = pair.chars();
        characters.next().zip(characters.next())
    });
    pairs.collect()
});

/// Whether a word, as texts are compared, says nothing of what a text is about.
pub(super) fn is_small(word: &str) -> bool {
    SMALL.contains(&hash(word.chars()))
}

/// Words with which people greet and thank, and ask for nothing.
const GREETINGS: [&str; 36] = [
    "adios",
    "arigato",
    "bonjour",
    "bye",
    "ciao",
    "danke",
    "dank",
    "dziekuje",
    "gracias",
    "grazie",
    "hallo",
    "hei",
    "hej",
    "hello",
    "hey",
    "hi",
    "hola",
    "kiitos",
    "merci",
    "merhaba",
    "obrigada",
    "obrigado",
    "ola",
    "salut",
    "spasibo",
    "takk",
    "tack",
    "thank",
    "thanks",
    "thx",
    "tschuss",
    "привет",
    "спасибо",
    "дякую",
    "شكرا",
    "ممنون",
];

/// Whether a word greets or thanks.
pub(super) fn greets(word: &str) -> bool {
    GREETINGS.contains(&word)
}

/// Whether it stands for something that was said before.
pub(super) fn refers(word: &str) -> bool {
    match word.chars().next() {
        Some(c) if is_dense(c) => POINTING.contains(c),
        _ => REFERS.contains(&hash(word.chars())),
    }
}

/// Whether a character says nothing by itself: the letters of Japanese endings, and particles.
pub(super) const fn is_small_character(c: char) -> bool {
    matches!(
        c,
        '\u{3041}'
            ..='\u{3096}'
                | '\u{30fc}'
                | '的'
                | '了'
                | '是'
                | '我'
                | '你'
                | '您'
                | '他'
                | '她'
                | '它'
                | '们'
                | '吗'
                | '呢'
                | '吧'
                | '啊'
                | '在'
                | '有'
                | '和'
                | '与'
                | '就'
                | '都'
                | '也'
                | '不'
                | '要'
                | '会'
                | '能'
                | '想'
                | '把'
                | '被'
                | '给'
                | '到'
                | '这'
                | '那'
                | '请'
                | '嗎'
                | '個'
                | '个'
                | '一'
                | '은'
                | '는'
                | '이'
                | '가'
                | '을'
                | '를'
                | '에'
                | '의'
                | '도'
                | '로'
                | '와'
                | '과'
                | '요'
                | '해'
                | '한'
                | '하'
                | '고'
                | '서'
                | '야'
    )
}

/// Whether two characters that follow each other say nothing.
pub(super) fn is_small_pair(one: char, other: char) -> bool {
    SMALL_PAIRS.contains(&(one, other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greetings_and_questions_say_nothing() {
        for word in ["hello", "danke", "bonjour", "wie", "ou", "que", "спасибо", "können", "konnen"] {
            let folded = String::from_utf8(folded(word)).unwrap();
            assert!(is_small(&folded), "{word}");
        }
        for word in ["loan", "kredit", "recipe", "election", "кредит"] {
            assert!(!is_small(word), "{word}");
        }
        assert!(refers("it") && !refers("loan") && refers("这"));
        assert!(is_small_pair('什', '么') && is_small_character('の') && !is_small_character('贷'));
    }
}
