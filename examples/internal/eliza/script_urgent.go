package eliza

// openings begin a talk.
var openings = []string{
	"Hello. I am Eliza. What is on your mind today?",
	"Good to see you. Where shall we begin?",
	"Hello. Sit down, take your time, and tell me how you are.",
	"Welcome. What has brought you here?",
}

// urgent goes before everything else: danger, a name, a farewell.
var urgent = []rule{
	{
		says: []string{
			"kill/hurt/harm/cut myself", "suicide/suicidal", "end my life", "take my own life", "want to die", "wish i was/were dead",
			"don't want to live",
		},
		replies: []string{
			"I am a small program and this is more than I can hold. Please talk to somebody now: a friend, a doctor, or the emergency number where you live.",
			"That matters too much to leave it to me. Is there a person you can call right away? Your local emergency number will answer at any hour.",
			"I am glad that you said it. Please say it to a human being too, now: someone close to you, or a crisis line where you live.",
		},
	},
	{
		says: []string{"my name is +", "^ ?just/please/people ?you ?can call me +", "^ name is +", "i am called +"},
		tell: true,
		name: true,
		replies: []string{
			"I am pleased to meet you{name}. What would you like to talk about?",
			"Thank you{name}; it is easier to talk to somebody with a name. How are you today?",
			"Welcome{name}. What is on your mind?",
		},
	},
	{
		says: []string{
			"^ ?ok/okay/well/so ?then bye/goodbye/farewell/quit/exit/ciao", "good night $", "i have to go/leave ?now $",
			"i must go/leave ?now $", "i should go ?now $", "see you ?later/soon/tomorrow $", "bye/goodbye $", "talk to you later",
		},
		replies: []string{
			"Goodbye{name}. Come back whenever you like.",
			"Thank you for talking with me{name}. Take good care of yourself.",
			"Until next time{name}. I hope something you said today was worth hearing.",
			"Farewell{name}. I shall have forgotten you, but your log has not.",
		},
	},
}

// lastResort is for lines in which nothing else was found.
var lastResort = []rule{
	{
		fits: func(u utterance) bool { return u.text == "" && !u.symbols },
		replies: []string{
			"You are quiet. Take all the time you need.",
			"Silence is an answer too. What lies behind it?",
			"I am still here. Say whatever comes.",
			"Some things need a moment. When you are ready, begin anywhere.",
		},
	},
	{
		fits: func(u utterance) bool { return u.symbols },
		replies: []string{
			"A sign instead of words. What would it say if it could speak?",
			"I am not good at pictures and signs. Can you put it into words?",
			"Interesting. And in plain words?",
		},
	},
	{
		fits: func(u utterance) bool { return u.foreign },
		replies: []string{
			"I am afraid I read only English. Could you say that again in English?",
			"That is beyond my few words of English. Will you try it for me in mine?",
		},
	},
	{
		id: repeated,
		replies: []string{
			"You said exactly that a moment ago. What did I miss?",
			"That is the same again. What makes it worth saying twice?",
			"You are repeating yourself, or testing me. Which is it?",
			"Again. Perhaps it wants to be said in another way?",
		},
		fits: never,
	},
	{
		id: comeBack,
		replies: []string{
			"Earlier you said that {memory}. Is that still on your mind?",
			"Let us go back a little. You told me that {memory}. How does it fit in here?",
			"Does this have anything to do with the fact that {memory}?",
			"I am still thinking of something: you mentioned that {memory}. Tell me more about that.",
			"Before we go on: {memory}. How did that begin?",
			"You moved on quickly from one thing: {memory}. Was that on purpose?",
		},
		fits: never,
	},
	{
		says: []string{"^ *"},
		ask:  true,
		replies: []string{
			"What would you like the answer to be?",
			"Why does that question come up just now?",
			"I ask the questions here, mostly because I have no answers. What do you think?",
			"What was the first answer that came to you while you were asking?",
			"Is it the answer you want, or somebody to ask?",
			"Whom else have you asked?",
			"Suppose I said yes. And suppose I said no. Which would disappoint you?",
			"I do not know. What would you need to find it out yourself?",
		},
	},
	{
		id:   lost,
		fits: func(utterance) bool { return true },
		idle: true,
		replies: []string{
			"Go on.",
			"When you say \"{said}\", what do you have in mind?",
			"I want to be sure that I understand. Can you give me an example?",
			"How do you feel when you say that?",
			"What follows from that?",
			"And what is it that you are not saying?",
			"Let us look at that more slowly. What happened first?",
			"Who else knows about this?",
			"\"{said}\". Would you have said so a year ago?",
			"What makes you bring that up?",
			"That could mean several things. What does it mean to you?",
			"Please tell me more.",
			"We could also talk about your work, the people around you, or what you dreamed last night.",
		},
	},
}

func never(utterance) bool { return false }
