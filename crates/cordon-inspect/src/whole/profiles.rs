//! Words that hold sentences together, by language: articles, pronouns, conjunctions, forms of "to be". They are among the most frequent
//! words of any text in their language, whatever it is about. A word that several languages have counts for each of them.

use cordon_core::Language;

/// The languages that are told from others of the same script by their words.
pub(super) const PROFILES: &[(Language, &str)] = &[
    (
        Language::En,
        "the of and to in is that it for was with are this be not or have from which you they will can has an by we at",
    ),
    (
        Language::De,
        "der die und das ist nicht ein eine den dem mit für auf sich des im werden auch von zu sie wird sind oder bei einen dass kann nach über",
    ),
    (
        Language::Fr,
        "le la les et des est une dans que pour qui sur pas au du ce plus vous avec sont par cette ont mais ou elle être nous aux leur",
    ),
    (
        Language::Es,
        "el la los las de que y en un una es para con por no se su del como más al está son pero o este puede si ser lo",
    ),
    (
        Language::It,
        "il la di che e un una per non è sono con del della i gli le si da nel più anche come alla questo dei ha delle può essere",
    ),
    (
        Language::Pt,
        "o a os as de que e em um uma é para com não do da se no na por mais dos são ao pode como mas ou você está foi",
    ),
    (
        Language::Nl,
        "de het een en van is dat niet te op voor met zijn die er aan als ook bij worden maar om door kan wordt naar deze heeft u of",
    ),
    (
        Language::Sv,
        "och att det som en är på av för med inte den till har de om ett kan vi eller jag du men från också vid när ska blir här",
    ),
    (
        Language::Da,
        "og at det som en er på af for med ikke den til har de om et kan vi eller jeg du men fra også ved når skal bliver hvis efter",
    ),
    (
        Language::No,
        "og å det som en er på av for med ikke den til har de om et kan vi eller jeg du men fra også ved når skal blir hvis etter",
    ),
    (
        Language::Fi,
        "ja on ei että se hän oli ovat mutta kun myös tai jos niin kuin joka voi tämä sen ole olla mukaan jotka sekä kanssa voidaan vain sitä",
    ),
    (
        Language::Pl,
        "i w na z się nie jest do to że jak po od za przez dla są czy może ale lub oraz także tym które który być ten można tego",
    ),
    (
        Language::Cs,
        "a v na se je že do to s z jako pro nebo jsou k o ale které který být by může také od po při už když podle není jeho",
    ),
    (
        Language::Ro,
        "și în de la cu nu este pe care un o să din pentru mai sunt sau ca fi se au prin dacă poate dar această fost al ale acest",
    ),
    (
        Language::Hu,
        "a az és hogy nem egy is van ez meg de vagy ha mint csak már lehet kell amely ezt azt után volt még akkor minden között szerint nincs",
    ),
    (
        Language::Tr,
        "ve bir bu için ile de da olarak daha olan gibi çok ne var değil veya kadar sonra her ya en ise ama olduğu göre şu ancak tarafından",
    ),
    (
        Language::Id,
        "yang dan di dari untuk dengan ini itu pada adalah dalam tidak akan ke atau oleh juga dapat bisa sebagai anda karena ada lebih sudah telah kami mereka",
    ),
    (
        Language::Vi,
        "và của là có được cho không các một trong với để những này khi đã người từ bạn thể như cũng về đến hoặc vì nếu phải sẽ",
    ),
    (
        Language::Ru,
        "и в не на что с по это как к из у за от о для но или же вы он так его то если она они был может чтобы",
    ),
    (
        Language::Uk,
        "і в не на що з та до як це за у від про для або але ви він якщо також його було бути вона вони який може щоб є",
    ),
    (
        Language::Bg,
        "и на да се в за от не с е са по като че това ще или но към до може при те който след той които бъде има ако",
    ),
    (
        Language::Ar,
        "في من على إلى أن هذا هذه التي الذي لا ما مع كان عن هو هي أو ذلك كل بعد إذا قد لم بين يمكن تم كما",
    ),
    (
        Language::Fa,
        "و در به از که این را با است برای آن یا هم می تا شود بر خود کند اما های شده دارد اگر نیست باید شما یک ها",
    ),
];
