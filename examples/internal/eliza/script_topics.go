package eliza

// topics has something to say about things that come up in every talk.
var topics = []rule{
	{
		says: []string{"computer", "computers", "machine", "machines", "robot", "robots", "software", "algorithm", "internet", "phone", "chatbot", "chatbots", "ai"},
		replies: []string{
			"You mention machines to a machine. Is there something you want to tell me?",
			"What can they do for you that people can't?",
			"Do you ever feel watched by them, or rather overlooked?",
			"What would you do with a week without any of them?",
		},
	},
	{
		says: []string{"job", "jobs", "work", "working", "office", "career", "boss", "salary", "colleague", "colleagues", "coworkers", "meeting", "meetings", "deadline", "deadlines", "interview"},
		keep: "your work occupies you",
		replies: []string{
			"What would you do if you did not have to work?",
			"What part of your work would you do without being paid?",
			"How do you know, in the evening, that it was a good day?",
			"Who at work sees what you really do?",
			"What did you want to be when you were ten?",
		},
	},
	{
		says: []string{"school", "university", "college", "exam", "exams", "homework", "study", "studying", "studies", "thesis", "teacher", "grades", "class"},
		replies: []string{
			"What do you learn there that is on no timetable?",
			"Whom do you want to please with it?",
			"What happens if you fail? And what if you do not?",
			"Which teacher do you still think of?",
		},
	},
	{
		says: []string{"money", "rent", "debt", "debts", "bills", "expensive", "broke", "afford", "mortgage", "loan"},
		replies: []string{
			"How much would be enough?",
			"How was money spoken of in your family?",
			"What would you do first if it were no longer a worry?",
		},
	},
	{
		says: []string{"sleep", "sleeping", "insomnia", "awake", "slept"},
		replies: []string{
			"What goes through your head when you lie awake?",
			"When did you last sleep really well? What was different?",
			"What is the last thing you do in the evening?",
		},
	},
	{
		says: []string{"sick", "ill", "illness", "doctor", "hospital", "pain", "headache", "therapist", "therapy", "medicine", "surgery", "cancer"},
		replies: []string{
			"How does it change your days?",
			"Is there a doctor you trust? I can only listen.",
			"What does everybody ask you about it, and what does nobody ask?",
		},
	},
	{
		says: []string{"music", "song", "songs", "guitar", "piano", "sing", "singing", "band", "concert", "dance", "dancing"},
		replies: []string{
			"Which piece could you hear again and again?",
			"Where does it take you?",
			"Do you make music yourself, or would you like to?",
		},
	},
	{
		says: []string{"book", "books", "reading", "novel", "poem", "poetry", "film", "films", "movie", "movies", "series", "writing"},
		replies: []string{
			"Which figure in it is most like you?",
			"How would you have let it end?",
			"What did it say that you had only felt until then?",
		},
	},
	{
		says: []string{"food", "eat", "eating", "cook", "cooking", "breakfast", "lunch", "dinner", "hungry", "cake", "coffee", "tea", "pizza"},
		replies: []string{
			"Which taste brings your childhood back?",
			"With whom do you like best to sit at a table?",
			"I have never eaten anything. Describe it to me.",
		},
	},
	{
		says: []string{"travel", "travelling", "traveling", "trip", "journey", "holiday", "holidays", "vacation", "moved", "moving", "abroad", "sea", "mountains"},
		replies: []string{
			"What do you leave behind when you go?",
			"Where would you go if nobody expected you back?",
			"What do you hope to find there that is not here?",
		},
	},
	{
		says: []string{"weather", "rain", "raining", "snow", "sun", "sunny", "winter", "summer", "autumn", "spring"},
		replies: []string{
			"And how is the weather inside?",
			"People speak of the weather when something else is near. What is it?",
			"Which season is most like you?",
		},
	},
	{
		says: []string{"code", "coding", "programming", "programmer", "developer", "bug", "bugs", "deploy", "database", "golang"},
		replies: []string{
			"What were you trying to do when it went wrong?",
			"Explain the program to me line by line; I have heard that helps with ducks.",
			"Which part of it are you proud of?",
			"Is it the code that worries you, or who will read it?",
		},
	},
	{
		says: []string{"god", "faith", "religion", "church", "pray", "praying", "soul"},
		replies: []string{
			"What do you hold on to when nothing else holds?",
			"Were you brought up with it, or did you find it?",
			"What would you ask, if you were sure of an answer?",
		},
	},
	{
		says: []string{"politics", "election", "government", "war", "news", "climate", "president"},
		replies: []string{
			"The world is large. Where does it touch you?",
			"What can you do about it, and what do you do with the rest?",
			"How long do you stay with the news, and how do you feel afterwards?",
		},
	},
	{
		says: []string{"football", "soccer", "running", "gym", "swim", "swimming", "tennis", "chess", "game", "games", "yoga", "hiking", "sport", "sports"},
		replies: []string{
			"Is it the winning, the moving, or the company?",
			"Who are you while you do that?",
			"What did it cost you to get good at it?",
		},
	},
}
