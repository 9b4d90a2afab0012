//! What happened, day by day.

/// How many days the history covers: a year, and the month in which the yearly reviews come due.
pub(super) const DAYS: i64 = 400;

/// Something that somebody did at a school.
#[derive(Debug)]
pub(super) struct Step {
    /// On which day, counted from the beginning.
    pub(super) day: i64,
    /// At which minute of that day.
    pub(super) minute: i64,
    /// At which school.
    pub(super) school: &'static str,
    /// What.
    pub(super) act: Act,
}

/// What somebody did. People are named by their key, or by their email if they have none.
#[derive(Debug)]
pub(super) enum Act {
    SignIn { who: String, device: usize },
    Ask { who: String, message: Option<&'static str> },
    Withdraw { who: String },
    Grant { who: String, by: &'static str, days: Option<i64> },
    Decline { who: String, by: &'static str, reason: &'static str },
    Add { name: &'static str, email: &'static str, by: &'static str, days: Option<i64> },
    Revoke { who: String, by: &'static str, reason: &'static str },
    MakeApprover { who: String, by: &'static str },
    ConfirmAll { by: &'static str },
}

/// The approvers who began, and on which day.
const APPROVERS: &[(&str, &str, i64)] = &[
    ("alderbrook", "folasade-adeyemi", 1),
    ("alderbrook", "gareth-pritchard", 9),
    ("harrowgate", "margaret-osei", 0),
    ("st-marys-leeds", "bernadette-kearney", 12),
    ("st-marys-dorset", "philippa-goodenough", 30),
    ("kingsmead", "alistair-drummond", 4),
    ("northgate-studio", "alistair-drummond", 45),
    ("willowbank", "yasmin-begum", 21),
    ("the-bridge", "leroy-bennett", 60),
    ("little-acorns", "ayesha-rahman", 75),
    ("tyne-utc", "geordie-robson", 33),
    ("ashcombe", "cordelia-fanshawe", 90),
    ("eastcliff", "nicola-hartnell", 15),
];

/// School, by whom, name, email, on which day, for how many days.
type Addition = (&'static str, &'static str, &'static str, &'static str, i64, Option<i64>);

/// Colleagues whom an approver added by name and email: school, by, name, email, day, days until the end.
#[rustfmt::skip]
const ADDED: &[Addition] = &[
    ("alderbrook", "folasade-adeyemi", "Eleanor Finch", "eleanor.finch@alderbrook.example", 20, None),
    ("alderbrook", "folasade-adeyemi", "Rajesh Kapoor", "rajesh.kapoor@alderbrook.example", 20, None),
    ("alderbrook", "gareth-pritchard", "Molly Ashworth", "molly.ashworth@alderbrook.example", 96, None),
    ("alderbrook", "gareth-pritchard", "Peter Novak", "peter.novak@alderbrook.example", 330, Some(75)),
    ("kingsmead", "alistair-drummond", "Grace Ekwueme", "grace.ekwueme@kingsmead.example", 6, None),
    ("kingsmead", "alistair-drummond", "Henry Tolliver", "henry.tolliver@kingsmead.example", 6, None),
    ("st-marys-leeds", "bernadette-kearney", "Sinead Byrne", "sinead.byrne@st-marys-leeds.example", 40, None),
    ("st-marys-dorset", "philippa-goodenough", "Arthur Penrose", "arthur.penrose@st-marys-dorset.example", 55, None),
    ("willowbank", "yasmin-begum", "Dominic Achebe", "dominic.achebe@willowbank.example", 70, None),
    ("tyne-utc", "geordie-robson", "Linda Charlton", "linda.charlton@tyne-utc.example", 80, Some(200)),
    ("the-bridge", "leroy-bennett", "Sofia Marchetti", "sofia.marchetti@the-bridge.example", 120, None),
    ("eastcliff", "nicola-hartnell", "Graham Tull", "graham.tull@eastcliff.example", 25, None),
];

/// Colleagues of the big school who asked, in the order in which they did.
const HARROWGATE: [&str; 24] = [
    "aaliyah-thompson",
    "benjamin-clarke",
    "chidi-nwosu",
    "daniela-ferreira",
    "edward-langley",
    "fatima-siddiqui",
    "george-papadakis",
    "holly-winterbourne",
    "ibrahim-yusuf",
    "jasmine-patel",
    "kieran-murphy",
    "lakshmi-iyer",
    "marcus-grant",
    "nadia-petrova",
    "oscar-lindqvist",
    "poppy-hargreaves",
    "qasim-javed",
    "rosalind-baxter",
    "sanjay-mistry",
    "tanya-mbeki",
    "umar-farooq",
    "victoria-stanhope",
    "wei-zhang",
    "zoe-cartwright",
];

const MESSAGES: [Option<&str>; 4] = [
    Some("I am the new induction tutor and need to register our early career teachers."),
    None,
    Some("I am taking over from Mrs Hale in September."),
    Some("I will be mentoring two early career teachers this year."),
];

/// All that happened, in order.
pub(super) fn steps() -> Vec<Step> {
    let mut plan = Plan(Vec::new());
    plan.approvers();
    plan.added();
    plan.harrowgate();
    plan.alderbrook();
    plan.elsewhere();
    plan.today();
    let mut steps = plan.0;
    steps.sort_by_key(|step| (step.day, step.minute));
    steps
}

struct Plan(Vec<Step>);

impl Plan {
    fn at(&mut self, day: i64, minute: i64, school: &'static str, act: Act) {
        self.0.push(Step { day, minute, school, act });
    }

    fn signs_in(&mut self, day: i64, minute: i64, school: &'static str, who: &str) {
        let device = who.len() + usize::try_from(day / 120).unwrap_or_default();
        self.at(day, minute, school, Act::SignIn { who: who.to_owned(), device });
    }

    /// Somebody signs in and asks; an approver answers later.
    fn asks(&mut self, day: i64, school: &'static str, who: &str, message: Option<&'static str>) {
        let minute = 520 + i64::try_from(who.len()).unwrap_or_default() * 7;
        self.signs_in(day, minute, school, who);
        self.at(day, minute + 2, school, Act::Ask { who: who.to_owned(), message });
    }

    fn grants(&mut self, day: i64, school: &'static str, by: &'static str, who: &str) {
        let minute = 660 + i64::try_from(who.len()).unwrap_or_default() * 5;
        self.signs_in(day, minute - 3, school, by);
        self.at(day, minute, school, Act::Grant { who: who.to_owned(), by, days: None });
    }

    fn approvers(&mut self) {
        for &(school, who, day) in APPROVERS {
            self.signs_in(day, 500, school, who);
            // They look in about once a month.
            for month in 1.. {
                let again = day + month * 29 + month % 3;
                if again >= DAYS - 1 {
                    break;
                }
                self.signs_in(again, 540 + month * 11, school, who);
            }
        }
    }

    fn added(&mut self) {
        for &(school, by, name, email, day, days) in ADDED {
            let minute = 700 + i64::try_from(name.len()).unwrap_or_default();
            self.at(day, minute, school, Act::Add { name, email, by, days });
        }
    }

    fn harrowgate(&mut self) {
        let (school, by) = ("harrowgate", "margaret-osei");
        for (number, who) in HARROWGATE.into_iter().enumerate() {
            let number = i64::try_from(number).unwrap_or_default();
            let day = 2 + number * 13;
            let message = MESSAGES.get(usize::try_from(number % 4).unwrap_or_default()).copied().flatten();
            self.asks(day, school, who, message);
            match number {
                5 => self.at(
                    day + 2,
                    700,
                    school,
                    Act::Decline { who: who.to_owned(), by, reason: "You work with the sixth form, which has its own account. Ask Tanya in the office if that changes." },
                ),
                9 => self.at(day + 1, 650, school, Act::Withdraw { who: who.to_owned() }),
                // Nobody answers: reminders, then it expires.
                14 => {}
                _ => {
                    self.grants(day + 1 + number % 3, school, by, who);
                    for week in 1..=(DAYS - day) / 31 {
                        self.signs_in(day + 3 + week * 30 + number % 7, 530 + number * 13, school, who);
                    }
                }
            }
        }
        self.at(300, 800, school, Act::MakeApprover { who: "benjamin-clarke".to_owned(), by });
        self.at(
            340,
            610,
            school,
            Act::Revoke { who: "edward-langley".to_owned(), by, reason: "Left the school at Christmas." },
        );
        self.at(
            352,
            615,
            school,
            Act::Revoke {
                who: "nadia-petrova".to_owned(),
                by: "benjamin-clarke",
                reason: "On a career break; can ask again when back.",
            },
        );
    }

    fn alderbrook(&mut self) {
        let school = "alderbrook";
        self.at(
            210,
            905,
            school,
            Act::Revoke {
                who: "rajesh.kapoor@alderbrook.example".to_owned(),
                by: "gareth-pritchard",
                reason: "Moved to another school.",
            },
        );
        // The review opened a year after the first colleague was added; one of two has been looked at since.
        self.asks(150, school, "siobhan-doyle", Some("For the annual return."));
        self.at(151, 640, school, Act::Decline { who: "siobhan-doyle".to_owned(), by: "folasade-adeyemi", reason: "The return is done by Eleanor now. Ask again if you need to look after early career teachers." });
    }

    fn elsewhere(&mut self) {
        self.at(373, 560, "kingsmead", Act::ConfirmAll { by: "alistair-drummond" });
        self.at(
            260,
            700,
            "st-marys-dorset",
            Act::Revoke {
                who: "arthur.penrose@st-marys-dorset.example".to_owned(),
                by: "philippa-goodenough",
                reason: "Retired.",
            },
        );
        // The closed school's people try, and are told that it is closed.
        self.signs_in(310, 555, "moorside", "derek-ackroyd");
        self.signs_in(311, 610, "moorside", "shazia-hussain");
    }

    /// What waits when the demonstration begins.
    fn today(&mut self) {
        self.asks(
            DAYS - 5,
            "alderbrook",
            "imran-qureshi",
            Some("I am the induction tutor from this term. Gareth knows about it."),
        );
        self.asks(
            DAYS - 2,
            "harrowgate",
            "tomasz-kowalczyk",
            Some("Margaret asked me to look after the two new early career teachers."),
        );
        self.asks(
            DAYS - 3,
            "fernhollow",
            "rebecca-lowenthal",
            Some("We have our first early career teacher."),
        );
        self.asks(DAYS - 1, "kingsmead", "oluwaseun-balogun", None);
    }
}
